import Type from 'typebox'
import { uuid } from '../../schemas/reference.ts'

/** Of an intent. */
export const supersedes = Type.Optional(
  uuid({
    description:
      'Id of the issuance of the same device in whose place this comes, where it does: that one ends when this is issued.'
  })
)

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
  scrappedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'When it was said that its device is no more.' })
  ),
  scrappedBy: Type.Optional(Type.String({ description: 'Who.', examples: ['operator/rework'] })),
  scrapReason: Type.Optional(Type.String({ description: 'Why.', examples: ['board is cracked'] }))
}
