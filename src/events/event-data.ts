import Type, { type Static, type TSchema } from 'typebox'
import type { Column, Columns } from '../database/column.ts'
import { errorCodes } from '../errors/mintline-error.ts'
import { reasonCodes } from '../pki/revocation/reason.ts'
import type { IssuedFacts, Present, RefusalFacts, Told } from '../records/facts.ts'
import { certificateFacts, intentFacts, refusalFacts } from '../records/record-model.ts'
import type { EventType } from './event-type.ts'

const strict = { additionalProperties: false } as const
const Timestamp = Type.String({ format: 'date-time' })
const Text = Type.String()
const TextOrNull = Type.Union([Type.String(), Type.Null()])

const Mes = Type.Object(
  {
    name: Text,
    verdict: Type.Literal('allow'),
    at: Timestamp,
    message: Type.Optional(Text),
    metadata: Type.Optional(Type.Record(Text, Text)),
    replaced: Type.Optional(Type.Record(Text, Text))
  },
  { ...strict, description: 'What the MES that the profile names said.' }
)

/** Where a type of column does not say it all. */
const described: Readonly<Record<string, TSchema>> = {
  metadata: Type.Record(Text, Text),
  stationSubject: Type.Record(Text, Text, {
    description: 'What the station set in the place of the subject of the CSR.'
  }),
  certificateId: Type.String({ description: 'SHA-256 of the certificate DER in hex: the id at AWS IoT.' }),
  serialNumber: Type.String({ description: 'Hex of its octets.' }),
  thing: Type.Union([
    Type.Object(
      {
        thingName: TextOrNull,
        attributes: Type.Record(Text, TextOrNull),
        thingTypeName: TextOrNull,
        thingGroups: Type.Array(Text),
        billingGroup: TextOrNull
      },
      { description: 'What AWS IoT will make at the first connection.' }
    ),
    Type.Null()
  ]),
  code: Type.Enum(errorCodes, { type: 'string' }),
  violations: Type.Array(Type.Object({ pointer: Text, expected: Text, found: Text, message: Text }, strict))
}

function schemaOf({ type }: Column): TSchema {
  switch (type) {
    case 'int':
      return Type.Integer()
    case 'timestamptz':
      return Timestamp
    case 'uuid':
    case 'text':
    case 'bytea':
      return Text
    case 'json':
    case 'jsonb':
      return Type.Unknown()
  }
}

function orNullOf(column: Column): TSchema {
  return column.isNullable ? Type.Union([schemaOf(column), Type.Null()]) : schemaOf(column)
}

const issuanceId = Type.String({ description: 'Of the record: `GET /v1/issuances/{id}`.' })

/** The record's facts, all but those that only its readers are told. */
function membersOf(facts: Columns, makeSchema: (name: string, column: Column) => TSchema) {
  const { id, createdAt, templateSha256, ...told } = facts
  const members = Object.entries(told).map(([name, column]) => [name, makeSchema(name, column)])
  return { issuanceId, requestedAt: Timestamp, ...(Object.fromEntries(members) as Record<string, TSchema>) }
}

const IssuedData = Type.Object(
  {
    ...membersOf(
      { ...intentFacts, ...certificateFacts },
      (name, column) => described[name] ?? orNullOf(column)
    ),
    stationSubject: Type.Union([described['stationSubject']!, Type.Null()]),
    mes: Type.Union([Mes, Type.Null()]),
    subject: Type.Record(Text, Text),
    notBefore: Timestamp,
    notAfter: Timestamp,
    supersedes: Type.Optional(
      Type.String({ description: 'Id of the issuance of the same device in whose place it comes.' })
    ),
    damaged: Type.Optional(
      Type.Literal(true, { description: 'The record was changed in the database and cannot be read.' })
    )
  },
  strict
)

/** Without what was not known yet. */
const RefusedData = Type.Object(
  membersOf(refusalFacts, (name, column) => {
    const schema = described[name] ?? schemaOf(column)
    return column.isNullable ? Type.Optional(schema) : schema
  }),
  strict
)

type ToldOf<Facts extends { readonly id: string }> = Omit<
  Told<Facts>,
  'id' | 'createdAt' | 'templateSha256'
> & {
  readonly issuanceId: string
  readonly requestedAt: string
}

const Facts = Type.Record(Type.String(), Type.Unknown())

const actMembers = {
  act: Type.String({ description: 'As the audit event names it, e.g. `authority.active`.' }),
  actor: Text,
  reason: Type.Optional(Text),
  before: Type.Optional(Facts),
  after: Type.Optional(Facts)
}

const AuthorityChangedData = Type.Object(
  { authority: Type.String({ description: 'Name of the generation.' }), ...actMembers },
  strict
)

const RegistrationData = Type.Object(
  { registration: Type.String({ description: 'Id of the registration.' }), ...actMembers },
  strict
)

const KeyData = Type.Object(
  { key: Type.String({ description: 'SHA-256 of its SubjectPublicKeyInfo in hex.' }), ...actMembers },
  strict
)

const LotChangedData = Type.Object({ lot: Type.String({ description: 'Its id.' }), ...actMembers }, strict)

const StationPausedData = Type.Object({ station: Text, ...actMembers }, strict)

const RevokedData = Type.Object(
  {
    issuanceId,
    serialNumber: described['serialNumber']!,
    certificateId: Type.Union([described['certificateId']!, Type.Null()], {
      description: 'As in the record; null where it was never recorded.'
    }),
    authority: Type.Optional(Text),
    profile: Type.Optional(Text),
    station: Text,
    line: TextOrNull,
    lot: TextOrNull,
    act: Type.Enum(['revoke', 'hold', 'unhold', 'end'], {
      type: 'string',
      description: '`end`: scrapped, or superseded and its time over.'
    }),
    reason: Type.Enum(Object.keys(reasonCodes) as (keyof typeof reasonCodes)[], { type: 'string' }),
    before: Type.Enum(['unissued', 'good', 'held', 'ended'], { type: 'string' }),
    after: Type.Enum(['revoked', 'held', 'good'], { type: 'string' }),
    at: Timestamp,
    actor: Text,
    note: Text,
    invalidityDate: Type.Optional(Timestamp),
    revocation: Type.Optional(Type.String({ description: 'Id of the order that it was revoked by.' }))
  },
  strict
)

const ExpiringData = Type.Object({ issuanceId, ...actMembers }, strict)

const PushData = Type.Object({ issuanceId, ...actMembers }, strict)

const FleetAlarmData = Type.Object(
  { authority: Type.String({ description: 'The generation.' }), ...actMembers },
  strict
)

/** The schema of each type's `data`. @internal It binds no code: tests hold what is sent to it. */
export const eventData = {
  'mintline.issuance.issued': IssuedData,
  'mintline.issuance.rejected': RefusedData,
  'mintline.issuance.revoked': RevokedData,
  'mintline.certificate.expiring': ExpiringData,
  'mintline.authority.changed': AuthorityChangedData,
  'mintline.aws-registration.drifted': RegistrationData,
  'mintline.aws-registration.blocked': RegistrationData,
  'mintline.aws-push.drifted': PushData,
  'mintline.fleet.alarm': FleetAlarmData,
  'mintline.key.blocked': KeyData,
  'mintline.key.disclosed': KeyData,
  'mintline.station.paused': StationPausedData,
  'mintline.lot.changed': LotChangedData
} as const satisfies Readonly<Record<EventType, unknown>>

export interface EventData {
  readonly 'mintline.issuance.issued': ToldOf<IssuedFacts>
  readonly 'mintline.issuance.rejected': ToldOf<Present<RefusalFacts>>
  readonly 'mintline.issuance.revoked': Static<typeof RevokedData>
  readonly 'mintline.certificate.expiring': Static<typeof ExpiringData>
  readonly 'mintline.authority.changed': Static<typeof AuthorityChangedData>
  readonly 'mintline.aws-registration.drifted': Static<typeof RegistrationData>
  readonly 'mintline.aws-registration.blocked': Static<typeof RegistrationData>
  readonly 'mintline.aws-push.drifted': Static<typeof PushData>
  readonly 'mintline.fleet.alarm': Static<typeof FleetAlarmData>
  readonly 'mintline.key.blocked': Static<typeof KeyData>
  readonly 'mintline.key.disclosed': Static<typeof KeyData>
  readonly 'mintline.station.paused': Static<typeof StationPausedData>
  readonly 'mintline.lot.changed': Static<typeof LotChangedData>
}
