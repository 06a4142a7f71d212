import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { countedResponses, expectedCountOf } from '../../schemas/counted-order.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultOrderLimit,
  RevocationCount,
  RevocationOrder,
  RevocationOrderBody,
  RevocationOrderListQuerystring,
  RevocationOrderPage,
  RevocationOrderParams
} from './order-schemas.ts'
import { viewOrder } from './order-view.ts'
import { groundsOf, notedActOf } from './routes.ts'
import { selectionOf } from './selection.ts'

const tags = ['Revocation']
const readers = { access: ['auditor', 'admin'] } as const

const placeRevocation = {
  operationId: 'placeRevocation',
  tags,
  summary: 'Revoke many certificates',
  description:
    'Twice: with `dryRun: true` it answers how many are selected, and with that number as `expectedCount` it revokes them in the background, each once, whatever crashes meanwhile; `GET /v1/revocations/{id}` shows how far it has come. An order is about what was asked for before it was given. With `keyCompromise` the keys are blocked for ever as well.',
  body: RevocationOrderBody,
  response: {
    ...countedResponses(RevocationCount, RevocationOrder),
    ...problemResponses({
      409: 'Another number is selected by now: `count`; or what is selected may be of a month that is detached: `month`.',
      422: 'Something that the selection names is not there, it cannot be counted at once (`to`), or `invalidityDate` is still to come.'
    })
  }
}

const getRevocation = {
  operationId: 'getRevocation',
  tags,
  summary: 'Read how far an order to revoke has come',
  description:
    '`awsPushes` says how far AWS IoT has been told of it; `GET /v1/aws-pushes?revocation=` lists that.',
  params: RevocationOrderParams,
  response: {
    200: { description: 'The order.', content: jsonContent(RevocationOrder) },
    ...problemResponses({ 404: 'There is no such order.' })
  }
}

const listRevocations = {
  operationId: 'listRevocations',
  tags,
  summary: 'List the orders to revoke',
  description: 'Newest first.',
  querystring: RevocationOrderListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(RevocationOrderPage) } }
}

/** Revoking many at once. */
export const revocationOrderRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { revocationOrders, awsPushes } }
) => {
  app.post(
    '/v1/revocations',
    { config: { access: ['admin'] }, schema: placeRevocation },
    async (request, reply) => {
      const asked = selectionOf(request.body.select)
      const grounds = groundsOf(request.body)
      const expectedCount = expectedCountOf(request.body)
      if (expectedCount === undefined)
        return reply.code(200).send(await revocationOrders.count(asked, grounds))
      const order = await revocationOrders.place(
        { select: asked, ...grounds, expectedCount },
        notedActOf(request)
      )
      return reply.code(202).header('location', `/v1/revocations/${order.id}`).send(viewOrder(order))
    }
  )

  app.get('/v1/revocations/:id', { config: readers, schema: getRevocation }, async ({ params: { id } }) => ({
    ...viewOrder(await revocationOrders.find(id)),
    awsPushes: await awsPushes.countOf(id)
  }))

  app.get(
    '/v1/revocations',
    { config: readers, preValidation: coerceIntegers('query', ['limit']), schema: listRevocations },
    async ({ query: { limit = defaultOrderLimit, ...query } }) =>
      viewPage(await revocationOrders.list({ ...query, limit }), viewOrder)
  )
}
