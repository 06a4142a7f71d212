import Type from 'typebox'
import { eventTypes } from '../../../events/event-type.ts'
import { example } from '../../schemas/example.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { Timestamp } from '../issuances/schemas.ts'

export const DeliveryStatus = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether the settings of this process name a webhook.' }),
    waiting: Type.Integer({
      minimum: 0,
      description: 'Events that the webhook has not taken. Not more than 100000 are counted.'
    }),
    setAside: Type.Integer({
      minimum: 0,
      description:
        'Those of them that failed by themselves while others passed: `GET /v1/events?state=set-aside`.'
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

export const SetAsideEvent = Type.Object(
  {
    id: uuid({
      description: 'Of the event and of the record that it tells.',
      examples: [example.issuanceId]
    }),
    type: Type.Enum(eventTypes, { type: 'string' }),
    owedAt: { ...Timestamp, description: 'When its fact was recorded.' },
    setAsideAt: { ...Timestamp, description: 'When it first failed by itself while others passed.' },
    failures: Type.Integer({ minimum: 1, description: 'How often it failed by itself.' }),
    lastError: Type.Optional(
      Type.String({ description: 'What came back last.', examples: ['The webhook answered 502.'] })
    ),
    nextTryAt: { ...Timestamp, description: 'Not before then, and after what is in line.' }
  },
  {
    $id: 'SetAsideEvent',
    ...strict,
    description: 'An event that the webhook could not take while it took others.'
  }
)

export const SetAsideEventPage = Type.Object(
  {
    items: Type.Array(referenceTo(SetAsideEvent)),
    nextCursor: nextCursor('older events')
  },
  { $id: 'SetAsideEventPage', ...strict, description: 'Newest first.' }
)

export const defaultEventLimit = 50

export const EventListQuerystring = Type.Object(
  {
    state: Type.Enum(['set-aside'], {
      type: 'string',
      description: '`set-aside`: those that failed by themselves while others passed.'
    }),
    ...pageQuery({
      cursor: uuid({ examples: [example.issuanceId] }),
      defaultLimit: defaultEventLimit,
      maximumLimit: 200
    })
  },
  strict
)

export const EventParams = Type.Object({ id: uuid({ examples: [example.issuanceId] }) }, strict)
