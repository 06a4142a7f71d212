import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { DeliveryStatus as Status } from '../../../events/events.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { DeliveryStatus } from './schemas.ts'

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
    'For a receiver that is back: the next try is now, also for events that are set aside. It is done in the background; `GET /v1/events/status` shows what comes of it.',
  response: {
    202: { description: 'It will be tried at once.', content: jsonContent(DeliveryStatus) },
    ...problemResponses({ 409: 'The settings name no webhook.' })
  }
}

/** Where events that wait for the webhook are seen to. */
export const eventRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { events } }
) => {
  app.get('/v1/events/status', { config: { access: ['auditor', 'admin'] }, schema: getStatus }, async () =>
    viewStatus(await events.status())
  )

  app.post(
    '/v1/events/deliver',
    { config: { access: ['admin'] }, schema: deliverEvents },
    async (_request, reply) => reply.code(202).send(viewStatus(await events.deliver()))
  )
}

function viewStatus({ enabled, waiting, oldestOwedAt, lastSuccessAt, lastError, nextTryAt }: Status) {
  return {
    enabled,
    waiting,
    ...(oldestOwedAt !== undefined && { oldestOwedAt: oldestOwedAt.toISOString() }),
    ...(lastSuccessAt !== undefined && { lastSuccessAt: lastSuccessAt.toISOString() }),
    ...(lastError !== undefined && { lastError: { ...lastError, at: lastError.at.toISOString() } }),
    ...(nextTryAt !== undefined && { nextTryAt: nextTryAt.toISOString() })
  }
}
