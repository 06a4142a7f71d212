import Type from 'typebox'
import { subjectFields } from '../../../pki/name/subject-field.ts'
import { recordStates } from '../../../records/record.ts'
import { example } from '../../schemas/example.ts'
import { strict } from '../../schemas/reference.ts'
import { Timestamp } from '../issuances/schemas.ts'

export const state = Type.Enum(recordStates, {
  type: 'string',
  description:
    'What it is now: `issued` where nothing has become of the certificate, `held` where it rests, `superseded` until its end, then `revoked`, as what was scrapped; `refused` for the outcome `rejected`.'
})

export const spkiSha256 = Type.Optional(
  Type.String({
    description:
      "Lower-case hex SHA-256 of the key's SubjectPublicKeyInfo. Of a refusal, where what was sent can be read as a CSR.",
    examples: [example.certificateId]
  })
)

export const requestedSubject = Type.Optional(
  Type.Object(Object.fromEntries(subjectFields.map(field => [field, Type.Optional(Type.String())])), {
    ...strict,
    description:
      'What the request asked for: the station’s subject, or that of the CSR, as far as it can be read. Of a field that is there several times the first.',
    examples: [example.subject]
  })
)

export const damaged = Type.Optional(
  Type.Literal(true, {
    description:
      'There where somebody changed the record in the database: what it cannot say any more is empty.'
  })
)

export const stationSubject = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    description: 'The subject that the station set, where it set one. That of the CSR did not count then.',
    examples: [{ CommonName: 'sensor-000451' }]
  })
)

export const mes = Type.Optional(
  Type.Object(
    {
      name: Type.String({ description: 'As MINTLINE_MES_FILE names it.', examples: ['plant'] }),
      verdict: Type.Literal('allow'),
      at: Timestamp,
      message: Type.Optional(Type.String()),
      metadata: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What it set; it is in `metadata` too.' })
      ),
      replaced: Type.Optional(
        Type.Record(Type.String(), Type.String(), { description: 'What the station had sent instead.' })
      )
    },
    {
      ...strict,
      description:
        'There where the profile had a manufacturing execution system asked: what it said, and when.'
    }
  )
)

export const csr = Type.Optional(
  Type.String({
    description: 'The certification request as PEM. In a list, where `fields` asks for it.',
    examples: [example.csr]
  })
)
