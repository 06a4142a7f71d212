import Type, { type Static } from 'typebox'
import { csrNoteCodes } from '../../../pki/csr/note.ts'
import { type SubjectField, subjectFields } from '../../../pki/name/subject-field.ts'
import { ProfileName } from '../../../profiles/document.ts'
import { maximumMetadataEntries, metadataKey, metadataValue } from '../../../records/metadata.ts'
import { example } from '../../schemas/example.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { StationSubject, SubjectQuery } from './station-subject.ts'

const Metadata = Type.Unsafe<Record<string, string>>({
  type: 'object',
  propertyNames: { pattern: `^${metadataKey}$` },
  additionalProperties: { type: 'string', pattern: `^${metadataValue}$` },
  maxProperties: maximumMetadataEntries,
  description:
    'Whatever the line wants to find again: fixture, firmware, operator. At most 16 entries; keys of letters, digits, `_`, `.`, `-`, at most 64; values of at most 256 characters. Not part of what makes a request the same request.',
  examples: [example.metadata]
})

/** What a lot may be called. */
export const lotIdPattern = '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$'

const LotId = Type.String({
  pattern: lotIdPattern,
  description:
    'Id of the lot that the device belongs to. Not part of what makes a request the same request: a retry that names another gets what the first got.',
  examples: [example.lotId]
})

/** What either form of the body says alike, JSON in members and a raw one in the query. */
const sentBeside = { lot: Type.Optional(LotId) }

export const IssuanceBody = Type.Object(
  {
    csr: Type.String({
      minLength: 1,
      description: 'The certification request (PKCS#10): PEM, or base64 of its DER.',
      examples: [example.csr]
    }),
    profile: ProfileName,
    ...sentBeside,
    subject: Type.Optional(StationSubject),
    metadata: Type.Optional(Metadata)
  },
  {
    ...strict,
    description: 'A CSR and the profile to certify it under.',
    examples: [{ csr: example.csr, profile: 'starter', metadata: example.metadata }]
  }
)

/** With a raw body, what JSON says in members stands in the query. */
export const IssuanceQuerystring = Type.Object(
  {
    profile: Type.Optional(
      Type.String({
        ...ProfileName,
        description:
          'Lower-case letters, digits and inner hyphens, at most 64. For a raw CSR body only; JSON names it in the body.',
        examples: ['starter']
      })
    ),
    ...sentBeside,
    ...SubjectQuery.properties,
    metadata: Type.Optional(
      Type.Array(Type.String({ pattern: `^${metadataKey}:${metadataValue}$` }), {
        maxItems: maximumMetadataEntries,
        description:
          'One entry as `key:value`; repeat the parameter for more. For a raw CSR body only; JSON carries it in the body.',
        examples: [['fixture:F-12', 'firmware:1.4.2']]
      })
    )
  },
  strict
)

const Subject = Type.Object(
  Object.fromEntries(subjectFields.map(field => [field, Type.Optional(Type.String())])) as Record<
    SubjectField,
    ReturnType<typeof Type.Optional<ReturnType<typeof Type.String>>>
  >,
  {
    ...strict,
    description: "The certificate's subject by the names that AWS IoT gives its fields.",
    examples: [example.subject]
  }
)

export const CsrNote = Type.Object(
  {
    code: Type.Enum(csrNoteCodes, { type: 'string' }),
    pointer: Type.String({
      description: '`/subject/<name>`, `/subject`, `/signatureAlgorithm` or `/attributes`, into the CSR.'
    }),
    message: Type.String()
  },
  {
    $id: 'CsrNote',
    ...strict,
    description:
      'Something about the CSR that was not as it should be and did not stand in the way, such as an attribute that the profile drops.',
    examples: [
      {
        code: 'attribute_dropped',
        pointer: '/subject/emailAddress',
        message: 'The CSR carries emailAddress, which the profile leaves out of the certificate.'
      }
    ]
  }
)

export const notes = Type.Array(referenceTo(CsrNote), {
  description: 'What was not as it should be in the CSR and did not stand in the way.',
  examples: [[]]
})

export const Timestamp = Type.String({ format: 'date-time' })

/** The members that every certificate of Mintline has, in a fresh answer and on record. */
export const certificateMembers = {
  templateSha256: Type.String({
    description:
      'Lower-case hex SHA-256 of the provisioning template body that the request was checked against.',
    examples: [example.certificateId]
  }),
  profileVersion: Type.Integer({ minimum: 1, examples: [1] }),
  authority: Type.String({ description: 'The authority generation that signed.', examples: ['starter-g1'] }),
  serialNumber: Type.String({
    description: 'Lower-case hex of the serial number.',
    examples: [example.serialNumber]
  }),
  subject: Subject,
  notBefore: Type.String({ format: 'date-time', examples: ['2026-11-23T09:00:00Z'] }),
  notAfter: Type.String({ format: 'date-time', examples: ['2036-11-20T10:00:00Z'] })
}

export const Thing = Type.Object(
  {
    thingName: Type.Union([Type.String(), Type.Null()], {
      description: 'Null before signing where the certificate id makes the name.'
    }),
    thingNameFrom: Type.Optional(Type.Literal('certificateId')),
    attributes: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])),
    thingTypeName: Type.Union([Type.String(), Type.Null()]),
    thingGroups: Type.Array(Type.String()),
    billingGroup: Type.Union([Type.String(), Type.Null()])
  },
  {
    $id: 'Thing',
    ...strict,
    description: 'The AWS IoT thing that the provisioning template makes at first connect, as predicted.',
    examples: [example.thing]
  }
)

export const thing = Type.Union([referenceTo(Thing), Type.Null()], {
  description: 'What AWS IoT will make at first connect; null where the template makes no thing.'
})

export const issuedMembers = {
  thing,
  certificateId: Type.String({
    description: "Lower-case hex SHA-256 of the certificate's DER: the id that AWS IoT gives it.",
    examples: [example.certificateId]
  }),
  certificatePem: Type.String({ examples: [example.certificate] }),
  chainPem: Type.String({
    description:
      'What the device presents at its first connect: its certificate, the issuing CA, then any intermediate above it. No root above an intermediate.',
    examples: [example.chain]
  }),
  issuedAt: Type.String({ format: 'date-time', examples: ['2026-11-23T10:00:00.123Z'] })
}

const { certificateId, certificatePem, chainPem, issuedAt } = issuedMembers
const { profileVersion, templateSha256, authority, serialNumber, subject, notBefore, notAfter } =
  certificateMembers

export const Issuance = Type.Object(
  {
    id: uuid({ description: 'The id of the record.', examples: [example.issuanceId] }),
    profile: Type.String({ examples: ['starter'] }),
    profileVersion,
    templateSha256,
    authority,
    serialNumber,
    certificateId,
    subject,
    notBefore,
    notAfter,
    certificatePem,
    chainPem,
    issuedAt,
    thing,
    notes,
    replayed: Type.Boolean({
      description: 'True when the same was asked before: these are the same bytes as then.',
      examples: [false]
    })
  },
  { $id: 'Issuance', ...strict, description: 'A certificate that is signed, verified and on record.' }
)

export type Issuance = Static<typeof Issuance>
