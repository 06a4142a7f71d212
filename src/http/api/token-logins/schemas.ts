import Type from 'typebox'
import { ownWords } from '../../schemas/own-words.ts'
import { strict } from '../../schemas/reference.ts'

const tokenLabel = (description: string) =>
  Type.String({ minLength: 1, maxLength: 32, pattern: '^[^\\u0000-\\u001f]+$', description })

export const LoginPermitBody = Type.Object(
  {
    tokenLabel: tokenLabel('Label of the PKCS#11 token, as `/readyz` and the log name it.'),
    reason: Type.String({
      ...ownWords,
      examples: ['the PIN of the token was set to that of the file']
    })
  },
  {
    ...strict,
    examples: [{ tokenLabel: 'acme', reason: 'the PIN of the token was set to that of the file' }]
  }
)

export const LoginPermit = Type.Object(
  {
    tokenLabel: tokenLabel('Label of the token.'),
    expiresAt: Type.String({ format: 'date-time', description: 'If it is not used before.' })
  },
  { $id: 'LoginPermit', ...strict, examples: [{ tokenLabel: 'acme', expiresAt: '2026-11-26T10:00:00.000Z' }] }
)
