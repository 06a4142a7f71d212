import Type, { type Static } from 'typebox'
import { lotStates } from '../../../factory/lots/lot.ts'
import { ProfileName } from '../../../profiles/document.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict } from '../../schemas/reference.ts'
import { lotIdPattern } from '../issuances/schemas.ts'
import { StationName } from '../stations/schemas.ts'
import { expectedCounts, inlineDevices } from './devices/schemas.ts'

const id = Type.String({
  pattern: lotIdPattern,
  description: 'Letters, digits and inner `.`, `_`, `-`, at most 64. It stays, since records have it.',
  examples: [example.lotId]
})

const quantity = Type.Integer({
  minimum: 1,
  maximum: 100_000_000,
  description: 'How many devices may be made: places.',
  examples: [1000]
})

const stations = Type.Array(StationName, {
  minItems: 1,
  maxItems: 1_000,
  uniqueItems: true,
  description: 'The stations that may make it. Without it, all that may use its profile.',
  examples: [['station-7']]
})

const opensAt = Type.String({
  format: 'date-time',
  description: 'From when on it takes devices. Without it, at once.',
  examples: ['2026-11-30T06:00:00Z']
})

const closesAt = Type.String({
  format: 'date-time',
  description: 'From when on it takes none any more. Without it, until it is closed.',
  examples: ['2026-12-04T22:00:00Z']
})

const reason = Type.Optional(Type.String({ ...ownWords, description: 'Why. It stands in the audit event.' }))

export const LotBody = Type.Object(
  {
    id,
    profile: ProfileName,
    quantity,
    stations: Type.Optional(stations),
    opensAt: Type.Optional(opensAt),
    closesAt: Type.Optional(closesAt),
    devices: Type.Optional(inlineDevices)
  },
  { ...strict, examples: [{ id: example.lotId, profile: 'starter', quantity: 1000 }] }
)

export const LotChangeBody = Type.Object(
  { quantity, reason },
  {
    ...strict,
    description: 'The quantity is never below what is taken.',
    examples: [{ quantity: 1200, reason: 'order 4711 was raised' }]
  }
)

export const LotActBody = Type.Union(
  [Type.Object({ reason }, { ...strict, examples: [{ reason: 'solder paste is out' }] }), Type.Null()],
  { description: 'May be left out.' }
)

const count = (description: string, example: number) =>
  Type.Integer({ minimum: 0, description, examples: [example] })

const counts = {
  issued: count('Certificates that count: none that another of the same device has succeeded.', 417),
  open: count('Requests that wait for their certificate, and hold their places. Mostly 0.', 0),
  refused: count('Requests that named the lot and were refused.', 3),
  scrapped: count('Devices that were scrapped; their places are free again.', 0)
}

const members = {
  id,
  profile: ProfileName,
  quantity,
  stations: Type.Optional(stations),
  opensAt: Type.Optional(opensAt),
  closesAt: Type.Optional(closesAt),
  state: Type.Enum(lotStates, {
    type: 'string',
    description:
      '`open` takes devices; `paused` takes none for now, also ahead of `opensAt`; `closed` takes none any more, also from `closesAt` on.',
    examples: ['open']
  }),
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String({ examples: ['operator/planning'] }),
  changedAt: Type.String({ format: 'date-time' }),
  changedBy: Type.String({ examples: ['operator/planning'] }),
  flags: Type.Optional(
    Type.Array(
      Type.Object(
        {
          reason: Type.Enum(['key_faults'], {
            type: 'string',
            description:
              '`key_faults`: the station was paused, since it sent too many weak keys, or keys of several devices, and some were for devices of this lot.'
          }),
          station: StationName,
          at: Type.String({ format: 'date-time' })
        },
        strict
      ),
      {
        description:
          'Why its devices are to be looked at before they are shipped: `mintline keys audit` finds keys that can be factored. There where there is a reason, and it stays.',
        examples: [[{ reason: 'key_faults', station: 'station-7', at: '2026-12-01T09:12:00.000Z' }]]
      }
    )
  )
}

export const LotResource = Type.Object(members, {
  $id: 'Lot',
  ...strict,
  description: 'How many devices are made, of what, and by whom.'
})

export const LotProgressResource = Type.Object(
  {
    ...members,
    ordered: count('The quantity.', 1000),
    ...counts,
    remaining: count('Places that are free.', 583),
    devices: Type.Optional(expectedCounts),
    perStation: Type.Array(Type.Object({ station: StationName, ...counts }, strict), {
      description: 'Of those that have a place in it or were refused.',
      examples: [[{ station: 'station-7', issued: 417, open: 0, refused: 3, scrapped: 0 }]]
    }),
    statement: Type.Optional(
      Type.String({ description: 'There once it is closed: what `POST /v1/lots/{id}/close` answered.' })
    )
  },
  { $id: 'LotProgress', ...strict, description: 'A lot, and how far it is.' }
)

export const LotList = Type.Object(
  { items: Type.Array(referenceTo(LotResource)), nextCursor: nextCursor('others') },
  { $id: 'LotList', ...strict, description: 'By id.' }
)

export const ClosedLot = Type.Object(
  {
    id,
    state: Type.Literal('closed'),
    statement: Type.String({
      description:
        'Compact JWS (RFC 7515), ES256, with a key that `GET /.well-known/jwks.json` lists: `lot`, `profile`, `ordered` = `issued` + `remaining`, `scrapped`, `refused`, `stations`, `firstIssuedAt`, `lastIssuedAt`, `openedAt`, `closedAt`, `devices` where it has a list of them, and `certificateIdsSha256`, the SHA-256 over the certificate ids in the order of the records. `mintline lot verify` checks it.'
    })
  },
  { $id: 'ClosedLot', ...strict, description: 'A lot that is closed, and what came of it.' }
)

export const JwkSet = Type.Object(
  { keys: Type.Array(Type.Record(Type.String(), Type.String())) },
  { $id: 'JwkSet', ...strict, description: 'RFC 7517, section 5.' }
)

export const LotParams = Type.Object({ id }, strict)

export const defaultLotLimit = 100

export const LotListQuerystring = Type.Object(
  {
    profile: Type.Optional(ProfileName),
    state: Type.Optional(
      Type.Enum(lotStates, { type: 'string', description: 'As it was set, whatever the time.' })
    ),
    flagged: Type.Optional(
      Type.Enum(['true', 'false'], {
        type: 'string',
        description: '`true`: those with `flags` alone; `false`: those without.'
      })
    ),
    ...pageQuery({ cursor: id, defaultLimit: defaultLotLimit, maximumLimit: 1000 })
  },
  strict
)

export type LotView = Static<typeof LotResource>
export type LotProgressView = Static<typeof LotProgressResource>
