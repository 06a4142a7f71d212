import Type, { type Static, type TSchema } from 'typebox'
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
import { boundedName, rangeQuery } from '../../schemas/query.ts'
import { strict, uuid } from '../../schemas/reference.ts'
import { certificateMembers, issuedMembers } from '../issuances/schemas.ts'
import { hiddenTold } from './member-rights.ts'
import {
  commonMembers,
  intentMembers,
  noteMembers,
  outcomeMember,
  refusalMembers,
  soundnessMembers,
  voidMembers
} from './request-members.ts'
import { nameBeginningTold, SearchParameters } from './search-parameters.ts'
import { pushMembers, revocationMembers, sinceMembers, successionMembers } from './since.ts'

/** A member for each fact, and others. A fact that the model has and the schema has not is an error of types. */
type MembersOf<Facts> = Readonly<Record<Exclude<keyof Facts, 'createdAt'> | 'requestedAt', TSchema>> &
  Readonly<Record<string, TSchema>>

export const IssuedEntry = Type.Object(
  {
    outcome: Type.Literal('issued'),
    ...commonMembers,
    ...certificateMembers,
    ...issuedMembers,
    certificatePem: Type.Optional(issuedMembers.certificatePem),
    chainPem: Type.Optional(issuedMembers.chainPem),
    ...intentMembers,
    ...soundnessMembers,
    ...sinceMembers,
    ...pushMembers,
    ...noteMembers
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
    ...refusalMembers
  } satisfies MembersOf<StoredRefusalFacts>,
  { $id: 'RejectedEntry', ...strict, description: 'Refused, and why.' }
)

export const UnknownEntry = Type.Object(
  {
    outcome: Type.Literal('unknown'),
    ...commonMembers,
    ...certificateMembers,
    ...intentMembers,
    ...successionMembers,
    ...revocationMembers,
    ...noteMembers
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
    ...intentMembers,
    ...successionMembers,
    ...revocationMembers,
    ...noteMembers,
    ...voidMembers
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

export const IssuanceSelection = selectionOf(
  kinds,
  outcomeMember
)({
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

/** @internal What tests read. */
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
    station: Type.Optional(
      Type.String({ ...boundedName, description: nameBeginningTold, examples: ['station-7'] })
    ),
    profile: Type.Optional(Type.String({ ...ProfileName, examples: ['starter'] })),
    authority: Type.Optional(
      Type.String({
        ...boundedName,
        description: `The generation that signed. ${nameBeginningTold}`,
        examples: ['starter-g1']
      })
    ),
    outcome: Type.Optional(Type.Enum(outcomes, { type: 'string' })),
    ...rangeQuery,
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
