import Type from 'typebox'
import { maySeeMember, membersWithRights } from '../../../access/member-rights.ts'
import { finalReasons } from '../../../pki/revocation/reason.ts'
import { uuid } from '../../schemas/reference.ts'

/** Of an intent. */
export const supersedes = Type.Optional(
  uuid({
    description:
      'Id of the issuance of the same device in whose place this comes, where it does: that one ends when this is issued.'
  })
)

/** Of whatever has a serial number. */
export const revocationMembers = {
  revokedAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description:
        'Since when it is revoked: by an act, by scrapping, or because its time as a superseded one is over.'
    })
  ),
  revokedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['admin/security'] })),
  revocationReason: Type.Optional(
    Type.Enum(finalReasons, {
      type: 'string',
      description: 'The word of RFC 5280, section 5.3.1.',
      examples: ['keyCompromise']
    })
  ),
  revocationNote: Type.Optional(
    Type.String({ description: 'Why, in words.', examples: ['found on a marketplace'] })
  ),
  invalidityDate: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Since when its key may have been in other hands, where that was told.'
    })
  )
}

/** What is told of a certificate since it was recorded. */
export const sinceMembers = {
  supersedes,
  releasedAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'When it was decided that the device may have its next certificate.'
    })
  ),
  releasedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  releaseReason: Type.Optional(
    Type.String({ description: 'Why.', examples: ['the device is back for rework'] })
  ),
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
  heldBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  holdNote: Type.Optional(Type.String({ description: 'Why.', examples: ['the board is missing'] })),
  scrappedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'When it was said that its device is no more.' })
  ),
  scrappedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  scrapReason: Type.Optional(Type.String({ description: 'Why.', examples: ['board is cracked'] }))
}

/** For the description of `fields`. */
export const hiddenTold = `A station is not shown ${membersWithRights
  .filter(member => !maySeeMember({ role: 'station' }, member))
  .map(member => `\`${member}\``)
  .join(', ')}.`
