import Type, { type Static, type TSchema } from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { ProfileName } from '../../../profiles/document.ts'
import type {
  HoldFacts,
  IntentFacts,
  IssuedFacts,
  ReleaseFacts,
  RevocationFacts,
  ScrapFacts,
  StoredRefusalFacts,
  SupersessionFacts,
  VoidFacts
} from '../../../records/facts.ts'
import { outcomes } from '../../../records/record.ts'
import { detachedMonths } from '../../listing/detached.ts'
import { fieldsParameter, membersOf, selectionOf } from '../../listing/fields.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { Violation } from '../../schemas/problem.ts'
import { boundedName, instant, instantForms } from '../../schemas/query.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { certificateMembers, issuedMembers, notes, Timestamp } from '../issuances/schemas.ts'
import { csr, damaged, mes, requestedSubject, spkiSha256, state, stationSubject } from './request-members.ts'
import { SearchParameters } from './search-parameters.ts'
import { hiddenTold, revocationMembers, sinceMembers, supersedes } from './since.ts'

/** A member for each fact, and others. A fact that the model has and the schema has not is an error of types. */
type MembersOf<Facts> = Readonly<Record<Exclude<keyof Facts, 'createdAt'> | 'requestedAt', TSchema>> &
  Readonly<Record<string, TSchema>>

const commonMembers = {
  id: uuid({ examples: [example.issuanceId] }),
  requestedAt: Timestamp,
  state,
  spkiSha256,
  station: Type.String({ description: 'Who asked.', examples: ['station-7'] }),
  line: Type.Optional(
    Type.String({ description: 'Where the station stood then, if it was told.', examples: ['A7'] })
  ),
  site: Type.Optional(Type.String({ description: 'As `line`.', examples: ['Graz'] })),
  lot: Type.Optional(
    Type.String({ description: 'Id of the lot that it was asked for in, if any.', examples: [example.lotId] })
  ),
  stationSubject,
  credential: uuid({
    description: 'Id of the token, or of the client certificate of the station, that let it in.',
    examples: [example.tokenId]
  }),
  profile: Type.String({ examples: ['starter'] }),
  metadata: Type.Record(Type.String(), Type.String(), { examples: [example.metadata] }),
  requestId: Type.String({ description: 'The request id in the log.', examples: [example.requestId] })
}

export const IssuedEntry = Type.Object(
  {
    outcome: Type.Literal('issued'),
    ...commonMembers,
    ...certificateMembers,
    ...issuedMembers,
    certificatePem: Type.Optional(issuedMembers.certificatePem),
    chainPem: Type.Optional(issuedMembers.chainPem),
    csr,
    mes,
    damaged,
    damage: Type.Optional(referenceTo(Violation)),
    compromised: Type.Optional(
      Type.Literal(true, {
        description:
          'There where the key of the authority is compromised: no station gets the certificate again.'
      })
    ),
    ...sinceMembers,
    notes
  } satisfies MembersOf<
    IssuedFacts & Partial<ReleaseFacts & ScrapFacts & SupersessionFacts & RevocationFacts & HoldFacts>
  >,
  {
    $id: 'IssuedEntry',
    ...strict,
    description:
      'Signed, verified and recorded. Where the certificate on record is another than was recorded, `damage` says how that shows, and neither it nor the chain is handed out.'
  }
)

export const RejectedEntry = Type.Object(
  {
    outcome: Type.Literal('rejected'),
    ...commonMembers,
    subject: requestedSubject,
    profileVersion: Type.Optional(certificateMembers.profileVersion),
    authority: Type.Optional(certificateMembers.authority),
    code: Type.Enum(errorCodes, { type: 'string' }),
    detail: Type.String(),
    violations: Type.Array(referenceTo(Violation)),
    csr: Type.Optional(
      Type.String({
        description:
          'What was sent, in the form that `csrEncoding` names. Not there where it was not kept or was purged, and in a list unless `fields` asks for it.'
      })
    ),
    csrEncoding: Type.Optional(
      Type.Enum(['pem', 'base64'], {
        type: 'string',
        description: '`pem` when what was sent can be read as a CSR; otherwise `base64` of the very bytes.'
      })
    ),
    withheld: Type.Optional(
      Type.Enum(['private_key', 'excess'], {
        type: 'string',
        description:
          'What of what was sent was not kept. `private_key`: all of it, since it held one. `excess`: what is beyond the beginning of something that is no CSR, of which 4,096 octets are kept.'
      })
    ),
    bodyLength: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Octets of what was sent, where not all of it is on record.' })
    ),
    bodySha256: Type.Optional(
      Type.String({
        description:
          'Lower-case hex SHA-256 of what was sent, where not all of it is on record. With `private_key`, over a salt of this database and it.'
      })
    ),
    repeats: Type.Optional(
      Type.Object(
        {
          count: Type.Integer({ minimum: 1 }),
          lastAt: Timestamp
        },
        {
          ...strict,
          description:
            'How often the station sent the same again within a minute, was refused with the same code, and was not recorded anew; and when last. There in the answer to a single record, and in a list where `fields` asks for it. Up to ten seconds late.'
        }
      )
    ),
    purgedAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'When what was sent was purged.' })
    ),
    purgedBy: Type.Optional(Type.String({ description: 'Who purged it.', examples: ['admin/starter'] })),
    purgeReason: Type.Optional(
      Type.String({ description: 'Why.', examples: ['request of the person concerned'] })
    )
  } satisfies MembersOf<StoredRefusalFacts>,
  { $id: 'RejectedEntry', ...strict, description: 'Refused, and why.' }
)

export const UnknownEntry = Type.Object(
  {
    outcome: Type.Literal('unknown'),
    ...commonMembers,
    ...certificateMembers,
    csr,
    mes,
    damaged,
    supersedes,
    ...revocationMembers,
    notes
  } satisfies MembersOf<IntentFacts & Partial<RevocationFacts>>,
  {
    $id: 'UnknownEntry',
    ...strict,
    description:
      'Begun and not finished: in flight, or cut off by a crash. No certificate of it left the service. The station’s retry completes it.'
  }
)

export const VoidEntry = Type.Object(
  {
    outcome: Type.Literal('void'),
    ...commonMembers,
    ...certificateMembers,
    csr,
    mes,
    damaged,
    supersedes,
    ...revocationMembers,
    notes,
    voidedAt: Timestamp,
    voidedBy: Type.String({ description: 'Who declared it void.', examples: ['admin/starter'] }),
    reason: Type.String({ description: 'Why.', examples: ['changed in the database'] })
  } satisfies MembersOf<Omit<VoidFacts & Partial<RevocationFacts>, 'voidReason'>>,
  {
    $id: 'VoidEntry',
    ...strict,
    description:
      'Begun, never recorded, and declared void: no certificate of it left the service or ever will.'
  }
)

export const IssuanceEntry = Type.Unsafe<
  | Static<typeof IssuedEntry>
  | Static<typeof RejectedEntry>
  | Static<typeof UnknownEntry>
  | Static<typeof VoidEntry>
>({
  $id: 'IssuanceEntry',
  description: 'One request for a certificate and what became of it, told apart by `outcome`.',
  oneOf: [
    { $ref: 'IssuedEntry#' },
    { $ref: 'RejectedEntry#' },
    { $ref: 'UnknownEntry#' },
    { $ref: 'VoidEntry#' }
  ],
  discriminator: {
    propertyName: 'outcome',
    mapping: {
      issued: '#/components/schemas/IssuedEntry',
      rejected: '#/components/schemas/RejectedEntry',
      unknown: '#/components/schemas/UnknownEntry',
      void: '#/components/schemas/VoidEntry'
    }
  }
})

export type IssuanceEntryView = Static<typeof IssuanceEntry>

const kinds = [IssuedEntry, RejectedEntry, UnknownEntry, VoidEntry]

/** What `fields` can name. */
export const recordFields = membersOf(kinds)

/** Left out of lists, and what tells how they are written. */
export const sentMembers: ReadonlySet<string> = new Set(['csr', 'csrEncoding', 'certificatePem', 'chainPem'])

export const IssuanceSelection = selectionOf(kinds, { outcome: Type.Enum(outcomes, { type: 'string' }) })({
  $id: 'IssuanceSelection',
  description: 'Of a record what `fields` names.'
})

const selected = Type.Unsafe<IssuanceEntryView>({
  anyOf: [{ $ref: 'IssuanceEntry#' }, { $ref: 'IssuanceSelection#' }]
})

export const IssuancePage = Type.Object(
  {
    items: Type.Array(selected),
    nextCursor: nextCursor('further entries'),
    detachedMonths
  },
  {
    $id: 'IssuancePage',
    ...strict,
    description:
      'Newest first, or, where a value ends in `*`, by the value, and of the same the oldest first. Without CSRs and certificates unless `fields` asks for them.'
  }
)

export type IssuancePageView = Static<typeof IssuancePage>

export const defaultLimit = 50

export const IssuanceListQuerystring = Type.Object(
  {
    serialNumber: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{2}){0,20}$',
        description: 'Hex in any case, with or without colons or leading zeros.',
        examples: [example.serialNumber]
      })
    ),
    certificateId: Type.Optional(
      Type.String({
        pattern: '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$',
        description: 'SHA-256 of the certificate as hex in any case, with or without colons.',
        examples: [example.certificateId]
      })
    ),
    station: Type.Optional(Type.String({ ...boundedName, examples: ['station-7'] })),
    profile: Type.Optional(Type.String({ ...ProfileName, examples: ['starter'] })),
    authority: Type.Optional(
      Type.String({ ...boundedName, description: 'The generation that signed.', examples: ['starter-g1'] })
    ),
    outcome: Type.Optional(Type.Enum(outcomes, { type: 'string' })),
    from: Type.Optional({ ...instant, description: `Inclusive. ${instantForms}` }),
    to: Type.Optional({ ...instant, description: `Exclusive. ${instantForms}` }),
    ...SearchParameters.properties,
    fields: fieldsParameter(
      recordFields,
      `Without it, all but \`csr\`, \`certificatePem\` and \`chainPem\`. ${hiddenTold}`
    ),
    ...pageQuery({
      cursor: uuid({ examples: [example.issuanceId] }),
      defaultLimit,
      maximumLimit: 200
    })
  },
  strict
)

export const IssuanceQuerystring = Type.Object(
  { fields: fieldsParameter(recordFields, `Without it, all. ${hiddenTold}`) },
  strict
)
