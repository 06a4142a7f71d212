import Type from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { countReasons } from '../../../records/refusal-counts/refusal-count.ts'
import { detachedMonths } from '../../listing/detached.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { boundedName, rangeQuery } from '../../schemas/query.ts'
import { strict, uuid } from '../../schemas/reference.ts'
import { Timestamp } from '../issuances/schemas.ts'

const code = Type.Enum(errorCodes, { type: 'string' })

const RefusalCount = Type.Object(
  {
    id: uuid({ examples: [example.issuanceId] }),
    recordedAt: Timestamp,
    reason: Type.Enum(countReasons, {
      type: 'string',
      description:
        'Why they were only counted. `repeat`: the same is on record as `issuanceId`. `station_limit`: the station had as many recorded as it may. `storage_reserve`: the database had no room to spare.'
    }),
    station: Type.String({ description: 'Who asked.', examples: ['station-7'] }),
    tokenId: Type.Optional(
      uuid({
        description: 'Not there, as the profile, where counts were put together since there were too many.',
        examples: [example.tokenId]
      })
    ),
    code,
    profile: Type.Optional(Type.String({ description: 'As it was asked for.', examples: ['starter'] })),
    issuanceId: Type.Optional(
      uuid({ description: 'The record they repeat.', examples: [example.issuanceId] })
    ),
    count: Type.Integer({ minimum: 1 }),
    windowStart: Type.String({ format: 'date-time', description: 'When the first of them came.' }),
    lastAt: Type.String({ format: 'date-time', description: 'When the last of them came.' })
  },
  strict
)

export const RefusalCountPage = Type.Object(
  {
    items: Type.Array(RefusalCount),
    nextCursor: nextCursor('older entries'),
    detachedMonths
  },
  { $id: 'RefusalCountPage', ...strict, description: 'Newest first.' }
)

export const defaultRefusalCountLimit = 50

export const RefusalCountListQuerystring = Type.Object(
  {
    station: Type.Optional(Type.String({ ...boundedName, examples: ['station-7'] })),
    code: Type.Optional(code),
    ...rangeQuery,
    ...pageQuery({
      cursor: uuid({ examples: [example.issuanceId] }),
      defaultLimit: defaultRefusalCountLimit,
      maximumLimit: 200
    })
  },
  strict
)
