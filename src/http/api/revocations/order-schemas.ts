import Type, { type Static } from 'typebox'
import { finalReasons } from '../../../pki/revocation/reason.ts'
import { backgroundState, countedMembers } from '../../schemas/counted-order.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { boundedName, instant, instantForms } from '../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { AwsPushCounts } from '../aws-pushes/schemas.ts'
import { groundsMembers } from './schemas.ts'

const exampleId = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a99'
/** As many as a body has room for. */
const mostNamed = 5_000

const selectMembers = {
  lot: Type.Optional(Type.String({ ...boundedName, description: 'Id of a lot.', examples: [example.lotId] })),
  station: Type.Optional(
    Type.String({ ...boundedName, description: 'With `from` and `to`.', examples: ['station-7'] })
  ),
  line: Type.Optional(
    Type.String({
      ...boundedName,
      description: 'Where the stations stood then. With `from` and `to`.',
      examples: ['A7']
    })
  ),
  authority: Type.Optional(
    Type.String({ ...boundedName, description: 'The generation that signed.', examples: ['starter-g1'] })
  ),
  from: Type.Optional({ ...instant, description: `Of when it was asked for, inclusive. ${instantForms}` }),
  to: Type.Optional({ ...instant, description: `Exclusive. ${instantForms}` }),
  ids: Type.Optional(
    Type.Array(uuid(), {
      minItems: 1,
      maxItems: mostNamed,
      uniqueItems: true,
      description: 'Ids of records.',
      examples: [[example.issuanceId]]
    })
  ),
  serialNumbers: Type.Optional(
    Type.Array(Type.String({ pattern: '^[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{2}){0,20}$' }), {
      minItems: 1,
      maxItems: mostNamed,
      uniqueItems: true,
      description: 'Hex in any case, with or without colons or leading zeros.',
      examples: [[example.serialNumber]]
    })
  )
}

export const RevocationOrderBody = Type.Object(
  {
    select: Type.Object(selectMembers, {
      ...strict,
      description:
        'Exactly one of `lot`, `station`, `line`, `authority`, `ids` and `serialNumbers`; `station` and `line` with `from` and `to`, `lot` and `authority` with either, both or none.'
    }),
    ...groundsMembers,
    ...countedMembers('revoked', 2_147_483_647)
  },
  {
    ...strict,
    examples: [
      { select: { lot: example.lotId }, reason: 'keyCompromise', note: 'weak random source', dryRun: true }
    ]
  }
)

export type RevocationOrderBodyView = Static<typeof RevocationOrderBody>

const leftOut = Type.Integer({
  minimum: 0,
  description:
    'How many more are selected that are revoked already, or have ended for the same reason (what is scrapped, for `cessationOfOperation`; what is superseded, for `superseded`). With an `invalidityDate`, what has ended is revoked for its sake.'
})

export const RevocationCount = Type.Object(
  {
    count: Type.Integer({
      minimum: 0,
      description:
        'How many certificates are selected and not revoked yet, with intents that may have been signed. Send it as `expectedCount`.'
    }),
    leftOut
  },
  { $id: 'RevocationCount', ...strict, description: 'What an order would revoke.' }
)

export const RevocationOrder = Type.Object(
  {
    id: uuid({ examples: [exampleId] }),
    state: backgroundState,
    createdAt: Type.String({ format: 'date-time' }),
    createdBy: Type.String({ examples: ['admin/security'] }),
    select: Type.Object(
      {
        ...selectMembers,
        selected: Type.Optional(Type.Integer({ minimum: 1 })),
        compromised: Type.Optional(Type.String({ examples: ['starter-g1'] }))
      },
      {
        ...strict,
        description:
          'As it was asked for; of single ones `selected` says how many. `compromised`: all that a generation issued that was declared compromised.'
      }
    ),
    reason: Type.Enum(finalReasons, { type: 'string' }),
    note: Type.String(),
    invalidityDate: Type.Optional(Type.String({ format: 'date-time' })),
    expectedCount: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'How many it is about; not there where it is of a compromised generation.'
      })
    ),
    leftOut,
    done: Type.Integer({ minimum: 0, description: 'How many it has revoked.' }),
    skipped: Type.Integer({
      minimum: 0,
      description: 'How many somebody else has revoked meanwhile, or have ended for the same reason.'
    }),
    failed: Type.Integer({
      minimum: 0,
      description: 'How many the database takes no revocation of: look at them with `GET /v1/issuances`.'
    }),
    finishedAt: Type.Optional(Type.String({ format: 'date-time' })),
    awsPushes: Type.Optional(referenceTo(AwsPushCounts))
  },
  { $id: 'RevocationOrder', ...strict, description: 'An order to revoke many, and how far it has come.' }
)

export const RevocationOrderPage = Type.Object(
  { items: Type.Array(referenceTo(RevocationOrder)), nextCursor: nextCursor('older orders') },
  { $id: 'RevocationOrderPage', ...strict, description: 'Newest first.' }
)

export const defaultOrderLimit = 50

export const RevocationOrderListQuerystring = Type.Object(
  pageQuery({
    cursor: uuid({ examples: [exampleId] }),
    defaultLimit: defaultOrderLimit,
    maximumLimit: 200
  }),
  strict
)

export const RevocationOrderParams = Type.Object({ id: uuid({ examples: [exampleId] }) }, strict)
