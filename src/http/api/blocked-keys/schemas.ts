import Type, { type Static } from 'typebox'
import { blockedReasons } from '../../../factory/blocked-keys/blocked-key.ts'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { strict, uuid } from '../../schemas/reference.ts'

const reason = Type.Enum(blockedReasons, {
  type: 'string',
  description:
    '`key_disclosed`: its private key was sent to the service or published. `key_compromised`: it is, or may be, in other hands. `weak_key`: it can be guessed. `duplicate_key`: it was found in more than one device. `withdrawn`: its device was taken out of use for good.'
})

const spkiSha256 = {
  pattern: '^[0-9A-Fa-f]{64}$',
  description:
    'SHA-256 of the SubjectPublicKeyInfo in DER, 64 hexadecimal digits: `openssl pkey -pubin -in KEY -outform DER | sha256sum`.',
  examples: [example.certificateId]
}

export const BlockedKeyBody = Type.Object(
  {
    spkiSha256: Type.String(spkiSha256),
    reason,
    comment: Type.Optional(
      Type.String({
        ...ownWords,
        description: 'For the list and the audit.',
        examples: ['lot 7']
      })
    )
  },
  {
    ...strict,
    examples: [{ spkiSha256: example.certificateId, reason: 'key_compromised', comment: 'lot 7' }]
  }
)

const listed = {
  spkiSha256: Type.String({ description: 'Lower-case hex.', examples: [example.certificateId] }),
  reason,
  comment: Type.Optional(Type.String({ examples: ['lot 7'] })),
  blockedAt: Type.String({ format: 'date-time' }),
  blockedBy: Type.String({ description: 'As `role/name`.', examples: ['admin/starter'] }),
  requestId: Type.String({
    description: 'The request by which it came on the list.',
    examples: [example.requestId]
  })
}

const BlockedKeyEntry = Type.Object(listed, strict)

export const BlockedKey = Type.Object(
  {
    ...listed,
    certificates: Type.Array(
      Type.Object(
        {
          issuanceId: uuid({ examples: [example.issuanceId] }),
          serialNumber: Type.String(),
          certificateId: Type.String(),
          requestedAt: Type.String({ format: 'date-time' })
        },
        strict
      ),
      {
        description:
          'What exists for the key, newest first, not more than a hundred. It stays valid until it is taken out of use.'
      }
    ),
    detachedMonths: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Months, as `2026-01`, in which there is more for the device that has the key, and maybe for the key: they are detached from the database, and not among `certificates`. There where there are any.'
      })
    ),
    authorities: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Generations of authorities that have this key, at the time of the block: declare them compromised.'
      })
    )
  },
  { $id: 'BlockedKey', ...strict, description: 'A key that is not certified any more.' }
)

export const BlockedKeyPage = Type.Object(
  {
    items: Type.Array(BlockedKeyEntry),
    nextCursor: nextCursor('older entries')
  },
  { $id: 'BlockedKeyPage', ...strict, description: 'Newest first.' }
)

export type BlockedKeyView = Static<typeof BlockedKey>

export const defaultBlockedKeyLimit = 50

export const BlockedKeyListQuerystring = Type.Object(
  {
    reason: Type.Optional(reason),
    ...pageQuery({
      cursor: uuid({ examples: [example.issuanceId] }),
      defaultLimit: defaultBlockedKeyLimit,
      maximumLimit: 200
    })
  },
  strict
)

export const BlockedKeyParams = Type.Object({ spkiSha256: Type.String(spkiSha256) }, strict)
