import Type from 'typebox'
import { strict } from '../../schemas/reference.ts'
import { Timestamp } from '../issuances/schemas.ts'

export const DeliveryStatus = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether the settings of this process name a webhook.' }),
    waiting: Type.Integer({
      minimum: 0,
      description: 'Events that the webhook has not taken. Not more than 100000 are counted.'
    }),
    oldestOwedAt: Type.Optional({ ...Timestamp, description: 'Since when the oldest event in line waits.' }),
    lastSuccessAt: Type.Optional({ ...Timestamp, description: 'When the webhook last took a message.' }),
    lastError: Type.Optional(
      Type.Object(
        { at: Timestamp, detail: Type.String({ examples: ['The webhook answered 503.'] }) },
        {
          ...strict,
          description: 'What came back last when it did not; it may be from before `lastSuccessAt`.'
        }
      )
    ),
    nextTryAt: Type.Optional({ ...Timestamp, description: 'Not before then. There while a try is planned.' })
  },
  { $id: 'DeliveryStatus', ...strict, description: 'How the delivery of events to the webhook goes.' }
)
