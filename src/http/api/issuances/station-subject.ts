import Type from 'typebox'
import { type SubjectField, subjectFields } from '../../../pki/name/subject-field.ts'
import { strict } from '../../schemas/reference.ts'

/** More than any field takes: what is too long for its field is refused as a subject, and that goes on record. */
const value = { minLength: 1, maxLength: 128 }

type Value = ReturnType<typeof Type.Optional<ReturnType<typeof Type.String>>>

/** What a station may set, where the profile lets it. */
export const StationSubject = Type.Object(
  Object.fromEntries(subjectFields.map(field => [field, Type.Optional(Type.String(value))])) as Record<
    SubjectField,
    Value
  >,
  {
    ...strict,
    minProperties: 1,
    description:
      'What the certificate is to carry where the CSR has a fixed subject or none: fields of `subjectFromStation` of the profile. The CSR then proves the key alone, and its own subject does not count. Part of what makes a request the same request.',
    examples: [{ CommonName: 'sensor-000451' }]
  }
)

/** The same with a raw CSR body. */
export const SubjectQuery = Type.Object(
  Object.fromEntries(
    subjectFields.map(field => [
      `subject.${field}`,
      Type.Optional(
        Type.String({
          ...value,
          description: `\`subject\`.\`${field}\`, for a raw CSR body only; JSON carries it in the body.`,
          examples: ['sensor-000451']
        })
      )
    ])
  ) as Record<`subject.${SubjectField}`, Value>,
  strict
)
