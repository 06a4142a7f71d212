import Type from 'typebox'
import { pushStates } from '../../../aws/push/push.ts'
import { finalReasons } from '../../../pki/revocation/reason.ts'
import { uuid } from '../../schemas/reference.ts'

/** Of an intent that comes in another's place. */
export const successionMembers = {
  supersedes: Type.Optional(
    uuid({
      description:
        'Id of the issuance of the same device in whose place this comes, where it does: that one ends when this is issued.'
    })
  )
}

/** Who released the device, and why. */
export const releaseWords = {
  releasedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  releaseReason: Type.Optional(
    Type.String({ description: 'Why.', examples: ['the device is back for rework'] })
  )
}

/** Who put it on hold, and why. */
export const holdWords = {
  heldBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  holdNote: Type.Optional(Type.String({ description: 'Why.', examples: ['the board is missing'] }))
}

/** Who said so, and why. */
export const scrapWords = {
  scrappedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  scrapReason: Type.Optional(Type.String({ description: 'Why.', examples: ['board is cracked'] }))
}

/** Who revoked it, and why. */
export const revocationWords = {
  revokedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['admin/security'] })),
  revocationNote: Type.Optional(
    Type.String({ description: 'Why, in words.', examples: ['found on a marketplace'] })
  )
}

/** Of a certificate that is or was out of use. */
export const pushMembers = {
  awsPushes: Type.Optional(
    Type.Array(
      Type.Object(
        {
          region: Type.String({ examples: ['eu-central-1'] }),
          accountAlias: Type.Optional(Type.String({ examples: ['production'] })),
          state: Type.Enum(pushStates, { type: 'string' }),
          observed: Type.Optional(Type.String({ description: 'The status that AWS had at the last look.' })),
          pushedAt: Type.Optional(
            Type.String({ format: 'date-time', description: 'When AWS was changed last.' })
          ),
          checkedAt: Type.Optional(
            Type.String({ format: 'date-time', description: 'When AWS was asked last.' })
          ),
          lastError: Type.Optional(
            Type.Object(
              { code: Type.String(), detail: Type.String() },
              { additionalProperties: false, description: 'Why the last try was in vain.' }
            )
          )
        },
        { additionalProperties: false }
      ),
      {
        description:
          'What AWS IoT is told of the certificate, in each account and region: `GET /v1/aws-pushes?issuance=` has more of it. There where it is or was out of use, in the answer to a single record, and in a list where `fields` asks for it.'
      }
    )
  )
}

/** Of whatever has a serial number. */
export const revocationMembers = {
  revokedAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Since when it is revoked: by an act, by scrapping, or because its time as a superseded one is over.'
    })
  ),
  revokedBy: revocationWords.revokedBy,
  revocationReason: Type.Optional(
    Type.Enum(finalReasons, {
      type: 'string',
      description: 'The word of RFC 5280, section 5.3.1.',
      examples: ['keyCompromise']
    })
  ),
  revocationNote: revocationWords.revocationNote,
  invalidityDate: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Since when its key may have been in other hands, where that was told.'
    })
  )
}

/** What is told of a certificate since it was recorded. */
export const sinceMembers = {
  ...successionMembers,
  releasedAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'When it was decided that the device may have its next certificate.'
    })
  ),
  ...releaseWords,
  supersededAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'When another certificate came in its place.' })
  ),
  successor: Type.Optional(uuid({ description: 'Id of the record of that other.' })),
  endsAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'When a certificate that is superseded ends. Not there beside `supersededAt`: when its successor is first seen connected.'
    })
  ),
  ...revocationMembers,
  heldAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Since when it is on hold, which ends with `unhold`, or with its revocation.'
    })
  ),
  ...holdWords,
  scrappedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'When it was said that its device is no more.' })
  ),
  ...scrapWords
}
