import Type from 'typebox'
import { finalReasons } from '../../../pki/revocation/reason.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { instant } from '../../schemas/query.ts'
import { referenceTo, strict } from '../../schemas/reference.ts'
import { IssuanceEntry } from '../records/schemas.ts'

/** Why, for good, as one certificate or many are revoked for. */
export const groundsMembers = {
  reason: Type.Enum(finalReasons, {
    type: 'string',
    description:
      'The word of RFC 5280, section 5.3.1. `keyCompromise` blocks the key as well. What may come back is put on hold instead.',
    examples: ['keyCompromise']
  }),
  note: Type.String({
    ...ownWords,
    description: 'Why, in words. It is kept with the record and in the audit; stations are not told.',
    examples: ['found on a marketplace']
  }),
  invalidityDate: Type.Optional({
    ...instant,
    description:
      'Since when the key may have been in other hands, where that is known (RFC 5280, section 5.3.2).'
  })
}

export const RevokeBody = Type.Object(groundsMembers, {
  ...strict,
  examples: [{ reason: 'keyCompromise', note: 'found on a marketplace' }]
})

export const HoldBody = Type.Object(
  { note: Type.String({ ...ownWords, examples: ['the board is missing'] }) },
  { ...strict, examples: [{ note: 'the board is missing' }] }
)

export const CertificateParams = Type.Object(
  {
    certificate: Type.String({
      pattern: '^(([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{1,2}(:?[0-9A-Fa-f]{2}){0,20})$',
      description:
        'The certificate id, 64 hex digits, or the serial number, at most 42, in any case, with or without colons.',
      examples: [example.certificateId]
    })
  },
  strict
)

export const RevocationAnswer = Type.Object(
  {
    changed: Type.Boolean({ description: 'False where it was so before: then nothing was written.' }),
    blockedKey: Type.Optional(
      Type.String({
        description:
          'Of `keyCompromise`: SHA-256 of the SubjectPublicKeyInfo of the key, which is blocked for ever (`GET /v1/blocked-keys/{spkiSha256}`).'
      })
    ),
    record: referenceTo(IssuanceEntry)
  },
  { $id: 'RevocationAnswer', ...strict, description: 'What became of the act, and the record after it.' }
)
