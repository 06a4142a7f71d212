import Type, { type Static } from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { example } from '../../schemas/example.ts'
import { boundedName } from '../../schemas/query.ts'
import { strict } from '../../schemas/reference.ts'
import { boundaries, countedUpTo, zoneName } from '../counts/schemas.ts'

const count = (description: string) => Type.Integer({ minimum: 0, description })
const utcTime = (description: string) => Type.String({ format: 'date-time', description })
const localTime = (description: string) =>
  Type.Optional(Type.String({ description, examples: ['2026-11-23T06:00:00+01:00'] }))

const counts = {
  issued: count('Certificates, whatever became of them later.'),
  reworked: count('Of these, how many came in the place of another certificate of their device.'),
  scrapped: count('Devices that were said to be no more in this time, whenever they were certified.'),
  refused: count('Refusals on record.'),
  unrecorded: count(
    'Refusals beside these that were only counted: repeats of the same within a minute, and those beyond what is recorded of a station. Of a lot, and for who is held to some lines: repeats alone.'
  ),
  void: count('Begun, and ended by an act without a certificate.'),
  unknown: count('Begun, and not finished.'),
  firstAt: Type.Optional(utcTime('When the first of these certificates was asked for.')),
  lastAt: Type.Optional(utcTime('When the last of them was.')),
  reasons: Type.Array(
    Type.Object(
      {
        code: Type.Enum(errorCodes, { type: 'string' }),
        title: Type.String({ description: 'The same for people.', examples: ['The key is blocked'] }),
        count: count('On record.'),
        unrecorded: count('As above.')
      },
      strict
    ),
    { description: 'Of refusals, the most frequent first.' }
  )
}

export const RecordReport = Type.Object(
  {
    report: Type.Enum(['day', 'shift', 'lot', 'station'], { type: 'string' }),
    date: Type.Optional(Type.String({ format: 'date' })),
    shift: Type.Optional(Type.String({ examples: ['early'] })),
    lot: Type.Optional(Type.String({ examples: [example.lotId] })),
    station: Type.Optional(Type.String({ examples: ['station-7'] })),
    zone: zoneName,
    from: Type.Optional(utcTime('Inclusive. Not there for a lot, of which all is told.')),
    to: Type.Optional(utcTime('Exclusive.')),
    fromLocal: localTime('`from` as the clocks of the zone show it, with the offset from UTC.'),
    toLocal: localTime('As `fromLocal`.'),
    madeAt: utcTime('When the report was made.'),
    countedUpTo,
    complete: Type.Optional(
      Type.Boolean({
        description:
          'Whether the time is over, all of it counted, and none of its months detached. Not there for a lot.'
      })
    ),
    detachedMonths: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Months that it touches, as `2026-01`, and that are detached from the database: `unrecorded` has nothing of them. There where there are any.'
      })
    ),
    totals: Type.Object(counts, strict),
    stations: Type.Array(
      Type.Object({ station: Type.String({ examples: ['station-7'] }), ...counts }, strict),
      { description: 'By name. Not there is a station that asked for nothing.' }
    )
  },
  { $id: 'RecordReport', ...strict, description: 'What came of the requests of a time, or of a lot.' }
)

export type RecordReportView = Static<typeof RecordReport>

/** Since 2000: zones had offsets of odd minutes before. */
const date = Type.String({
  format: 'date',
  pattern: '^2',
  description: 'By the calendar of the site, from 2000 on.'
})

export const DayQuerystring = Type.Object({ date }, strict)

export const ShiftQuerystring = Type.Object(
  {
    date: Type.String({
      format: 'date',
      pattern: '^2',
      description: 'On which the shift begins, by the calendar of the site, from 2000 on.'
    }),
    shift: Type.String({ ...boundedName, description: 'As `MINTLINE_SHIFTS` names it.' })
  },
  strict
)

export const LotQuerystring = Type.Object({ lot: Type.String(boundedName) }, strict)

export const StationQuerystring = Type.Object({ station: Type.String(boundedName), ...boundaries }, strict)
