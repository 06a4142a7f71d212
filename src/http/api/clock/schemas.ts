import Type from 'typebox'
import { ownWords } from '../../schemas/own-words.ts'
import { strict } from '../../schemas/reference.ts'

export const ClockBody = Type.Object(
  { reason: Type.String({ ...ownWords, examples: ['a station ran in 2036 for an hour'] }) },
  { ...strict, examples: [{ reason: 'a station ran in 2036 for an hour' }] }
)

export const ClockState = Type.Object(
  {
    trusted: Type.Boolean({ description: 'Whether certificates are issued by the clock as it is now.' }),
    detail: Type.String({ description: 'Why, or why not.' }),
    accepted: Type.Boolean({ description: 'Whether there were records of a wrong future to be accepted.' })
  },
  {
    $id: 'ClockState',
    ...strict,
    examples: [{ trusted: true, detail: 'agrees with the database and the newest record', accepted: true }]
  }
)
