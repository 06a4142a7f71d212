import Type from 'typebox'
import { example } from '../../schemas/example.ts'
import { ownWords } from '../../schemas/own-words.ts'
import { strict, uuid } from '../../schemas/reference.ts'

export const IssuanceParams = Type.Object({ id: uuid({ examples: [example.issuanceId] }) }, strict)

export const VoidBody = Type.Object(
  { reason: Type.String({ ...ownWords, examples: ['changed in the database'] }) },
  { ...strict, examples: [{ reason: 'changed in the database' }] }
)

export const ReleaseBody = Type.Object(
  { reason: Type.String({ ...ownWords, examples: ['the device is back for rework'] }) },
  { ...strict, examples: [{ reason: 'the device is back for rework' }] }
)

export const PurgeBody = Type.Object(
  { reason: Type.String({ ...ownWords, examples: ['request of the person concerned'] }) },
  { ...strict, examples: [{ reason: 'request of the person concerned' }] }
)
