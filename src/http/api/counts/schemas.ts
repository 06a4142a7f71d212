import Type, { type Static, type TSchema } from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { ProfileName } from '../../../profiles/document.ts'
import { type CountKey, countKeys, timeUnits } from '../../../records/counts/count.ts'
import { outcomes, recordStates } from '../../../records/record.ts'
import { example } from '../../schemas/example.ts'
import { boundedName, instant, reworked } from '../../schemas/query.ts'
import { strict, uuid } from '../../schemas/reference.ts'

export const mostKeys = 4

const boundForms =
  'A time on the quarter of an hour, e.g. `2026-11-23T08:30:00Z`, or a date, which is its beginning by the clocks of the zone.'

export const boundaries = {
  from: { ...instant, description: `Inclusive. ${boundForms}` },
  to: { ...instant, description: `Exclusive. ${boundForms}` }
}

export const countedUpTo = Type.Optional(
  Type.String({
    format: 'date-time',
    description:
      'Until when all records are counted, mostly half a minute ago; what is newer is counted within two seconds, but for what is recorded late. While they are made anew, or more than a minute behind, there is no answer but for what is counted (`503 search_behind`). Not there where nothing is on record.'
  })
)

export const zoneName = Type.String({
  description: 'By whose clocks days go: the IANA name.',
  examples: ['Europe/Vienna']
})

const name = (description: string, sample: string) => Type.String({ description, examples: [sample] })

const members: Readonly<Record<CountKey, TSchema>> = {
  month: name('By the clocks of the zone.', '2026-11'),
  day: name('As `month`.', '2026-11-23'),
  hour: name(
    'As `month`: when it begins, with the offset from UTC; `from` takes it.',
    '2026-11-23T08:00:00+01:00'
  ),
  expiryMonth: name(
    'By the clocks of the zone: in which the certificates run out. Not there where the records have none, or for those that never end.',
    '2036-11'
  ),
  station: name('Who asked.', 'station-7'),
  line: name('Not there, as the others, where the records have none.', 'A7'),
  site: name('As `line`.', 'Graz'),
  lot: name('As `line`.', example.lotId),
  credential: uuid({ examples: [example.tokenId] }),
  profile: name('As `line`.', 'starter'),
  profileVersion: Type.Integer({ minimum: 1 }),
  authority: name('The generation that signed.', 'starter-g1'),
  code: Type.Enum(errorCodes, { type: 'string', description: 'Of refusals.' }),
  state: Type.Enum(recordStates, { type: 'string', description: 'What the records are now.' }),
  outcome: Type.Enum(outcomes, { type: 'string' })
}

const CountGroup = Type.Object(
  {
    ...Object.fromEntries(Object.entries(members).map(([key, schema]) => [key, Type.Optional(schema)])),
    count: Type.Integer({ minimum: 1 })
  },
  { ...strict, description: 'What `by` names, as far as the records have it, and how many there are.' }
)

export const IssuanceSummary = Type.Object(
  {
    by: Type.Array(Type.Enum(countKeys, { type: 'string' })),
    zone: zoneName,
    from: Type.Optional(Type.String({ format: 'date-time' })),
    to: Type.Optional(Type.String({ format: 'date-time' })),
    countedUpTo,
    total: Type.Integer({ minimum: 0, description: 'Of all groups.' }),
    groups: Type.Array(CountGroup)
  },
  {
    $id: 'IssuanceSummary',
    ...strict,
    description: 'How many records there are, in the order of what they are counted by.'
  }
)

export type IssuanceSummaryView = Static<typeof IssuanceSummary>

export const SummaryQuerystring = Type.Object(
  {
    by: Type.String({
      minLength: 1,
      maxLength: 200,
      description: `By what records are counted: up to ${mostKeys} names with commas between, of them at most one of ${timeUnits.map(unit => `\`${unit}\``).join(', ')}. Known: ${countKeys.map(key => `\`${key}\``).join(', ')}.`
    }),
    zone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'Time zone by whose clocks days are told apart, by its IANA name; `UTC` is one. Default: that of the site (`MINTLINE_SITE_TIME_ZONE`).'
      })
    ),
    from: Type.Optional(boundaries.from),
    to: Type.Optional(boundaries.to),
    station: Type.Optional(Type.String({ ...boundedName, examples: ['station-7'] })),
    line: Type.Optional(Type.String({ ...boundedName, examples: ['A7'] })),
    site: Type.Optional(Type.String({ ...boundedName, examples: ['Graz'] })),
    lot: Type.Optional(Type.String({ ...boundedName, examples: [example.lotId] })),
    credential: Type.Optional(uuid({ description: 'What let the station in.', examples: [example.tokenId] })),
    profile: Type.Optional(Type.String({ ...ProfileName, examples: ['starter'] })),
    profileVersion: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999 })),
    authority: Type.Optional(Type.String({ ...boundedName, description: 'The generation that signed.' })),
    outcome: Type.Optional(Type.Enum(outcomes, { type: 'string' })),
    state: Type.Optional(Type.Enum(recordStates, { type: 'string' })),
    reworked,
    code: Type.Optional(Type.Enum(errorCodes, { type: 'string' })),
    expiryMonth: Type.Optional(
      Type.String({
        pattern: '^[12][0-9]{3}-(0[1-9]|1[0-2])$',
        description: 'A month, as `2036-11`: in which the certificates run out, by the clocks of the zone.',
        examples: ['2036-11']
      })
    )
  },
  strict
)
