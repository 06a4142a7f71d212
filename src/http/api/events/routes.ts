import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { DeliveryStatus as Status, Events } from '../../../events/events.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultEventLimit,
  DeliveryStatus,
  EventListQuerystring,
  EventParams,
  SetAsideEvent,
  SetAsideEventPage
} from './schemas.ts'

const tags = ['Events']

const getStatus = {
  operationId: 'getDeliveryStatus',
  tags,
  summary: 'See how the delivery of events goes',
  description: 'What waits, since when, what came back last, and when the next try is.',
  response: { 200: { description: 'The state of the delivery.', content: jsonContent(DeliveryStatus) } }
}

const deliverEvents = {
  operationId: 'deliverEvents',
  tags,
  summary: 'Send what waits now, whatever the pause',
  description:
    'For a receiver that is back: the next try is now, also for events that are set aside. It is done in the background; `GET /v1/events/status` shows what comes of it. It is in the audit.',
  response: {
    202: { description: 'It will be tried at once.', content: jsonContent(DeliveryStatus) },
    ...problemResponses({ 409: 'The settings name no webhook.' })
  }
}

const listEvents = {
  operationId: 'listEvents',
  tags,
  summary: 'List the events that are set aside',
  description:
    'Events that failed by themselves while the webhook took others. They hold up nothing, and are tried again with pauses of up to an hour. Newest first; `nextCursor` leads to older ones.',
  querystring: EventListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(SetAsideEventPage) } }
}

const deliverEvent = {
  operationId: 'deliverEvent',
  tags,
  summary: 'Send an event that is set aside again',
  description:
    'It is due at once, whatever its pause, and goes out by itself after what is in line. It is in the audit.',
  params: EventParams,
  response: {
    202: { description: 'It will be tried at once.', content: jsonContent(SetAsideEvent) },
    ...problemResponses({
      404: 'No event with this id is set aside.',
      409: 'The settings name no webhook.'
    })
  }
}

/** Where events that wait for the webhook are seen to. */
export const eventRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { events } }
) => {
  app.get(
    '/v1/events/status',
    { config: { access: ['auditor', 'operator', 'admin'] }, schema: getStatus },
    async () => viewStatus(await events.status())
  )

  app.get(
    '/v1/events',
    {
      config: { access: ['auditor', 'operator', 'admin'] },
      preValidation: coerceIntegers('query', ['limit']),
      schema: listEvents
    },
    async ({ query: { limit = defaultEventLimit, cursor } }) =>
      viewPage(await events.listSetAside({ limit, cursor }), viewEvent)
  )

  app.post(
    '/v1/events/:id/deliver',
    { config: { access: ['admin'] }, schema: deliverEvent },
    async (request, reply) => {
      const event = await events.deliverOne(request.params.id, actOf(request))
      return reply.code(202).send(viewEvent(event))
    }
  )

  app.post(
    '/v1/events/deliver',
    { config: { access: ['admin'] }, schema: deliverEvents },
    async (request, reply) => reply.code(202).send(viewStatus(await events.deliver(actOf(request))))
  )
}

function viewEvent(event: Awaited<ReturnType<Events['deliverOne']>>) {
  const { owedAt, setAsideAt, lastError, nextTryAt, ...rest } = event
  return {
    ...rest,
    owedAt: owedAt.toISOString(),
    setAsideAt: setAsideAt.toISOString(),
    ...(lastError !== null && { lastError }),
    nextTryAt: nextTryAt.toISOString()
  }
}

function viewStatus({
  enabled,
  waiting,
  setAside,
  oldestOwedAt,
  lastSuccessAt,
  lastError,
  nextTryAt
}: Status) {
  return {
    enabled,
    waiting,
    setAside,
    ...(oldestOwedAt !== undefined && { oldestOwedAt: oldestOwedAt.toISOString() }),
    ...(lastSuccessAt !== undefined && { lastSuccessAt: lastSuccessAt.toISOString() }),
    ...(lastError !== undefined && { lastError: { ...lastError, at: lastError.at.toISOString() } }),
    ...(nextTryAt !== undefined && { nextTryAt: nextTryAt.toISOString() })
  }
}
