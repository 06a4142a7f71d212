import Type, { type Static } from 'typebox'
import { errorCodes } from '../errors/mintline-error.ts'
import type { EventType } from './event-type.ts'

const strict = { additionalProperties: false } as const
const Timestamp = Type.String({ format: 'date-time' })
const Text = Type.String()
const TextOrNull = Type.Union([Type.String(), Type.Null()])

const requestMembers = {
  issuanceId: Type.String({ description: 'Of the record: `GET /v1/issuances/{id}`.' }),
  requestedAt: Timestamp,
  station: Text,
  profile: Text,
  metadata: Type.Record(Text, Text),
  requestId: Text
}

export const IssuedData = Type.Object(
  {
    ...requestMembers,
    issuedAt: Timestamp,
    certificateId: Type.String({ description: 'SHA-256 of the certificate DER in hex: the id at AWS IoT.' }),
    serialNumber: Type.String({ description: 'Hex of its octets.' }),
    subject: Type.Record(Text, Text),
    notBefore: Timestamp,
    notAfter: Timestamp,
    profileVersion: Type.Integer(),
    authority: Type.String({ description: 'The generation that signed.' }),
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
    ])
  },
  strict
)

export const RefusedData = Type.Object(
  {
    ...requestMembers,
    code: Type.Enum(errorCodes, { type: 'string' }),
    detail: Text,
    violations: Type.Array(
      Type.Object({ pointer: Text, expected: Text, found: Text, message: Text }, strict)
    ),
    profileVersion: Type.Optional(Type.Integer()),
    authority: Type.Optional(Text)
  },
  strict
)

const Facts = Type.Record(Type.String(), Type.Unknown())

const actMembers = {
  act: Type.String({ description: 'As the audit event names it, e.g. `authority.active`.' }),
  actor: Text,
  reason: Type.Optional(Text),
  before: Type.Optional(Facts),
  after: Type.Optional(Facts)
}

export const AuthorityChangedData = Type.Object(
  { authority: Type.String({ description: 'Name of the generation.' }), ...actMembers },
  strict
)

export const RegistrationDriftedData = Type.Object(
  { registration: Type.String({ description: 'Id of the registration.' }), ...actMembers },
  strict
)

/** The `data` of each type of event. */
export const eventData = {
  'mintline.issuance.issued': IssuedData,
  'mintline.issuance.rejected': RefusedData,
  'mintline.authority.changed': AuthorityChangedData,
  'mintline.aws-registration.drifted': RegistrationDriftedData
} as const satisfies Readonly<Record<EventType, unknown>>

export type EventData = { readonly [Type in EventType]: Static<(typeof eventData)[Type]> }
