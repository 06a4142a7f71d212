import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actOf } from '../../../plugins/access.ts'
import { coerceIntegers } from '../../../plugins/coercion.ts'
import { countedResponses, expectedCountOf } from '../../../schemas/counted-order.ts'
import { viewPage } from '../../../schemas/page.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import { jsonContent } from '../../../schemas/reference.ts'
import type { HttpServices } from '../../../services.ts'
import {
  defaultCleanUpLimit,
  FleetCleanUp,
  FleetCleanUpBody,
  FleetCleanUpCount,
  FleetCleanUpListQuerystring,
  FleetCleanUpPage,
  FleetCleanUpParams
} from './schemas.ts'
import { viewCleanUp, viewCleanUpCount, viewToldCleanUp } from './view.ts'

const tags = ['Fleet']
const readers = { access: ['auditor', 'operator', 'admin'] } as const

const placeCleanUp = {
  operationId: 'placeFleetCleanUp',
  tags,
  summary: 'Delete what nobody needs any more at AWS IoT',
  description:
    'Twice: with `dryRun: true` it answers how many there are by the last look at the fleet, and with that number as `expectedCount` it deletes them in the background, each once, whatever crashes meanwhile. Each is held against the record and asked for at AWS anew just before; what is needed by then is left. `GET /v1/fleet/clean-ups/{id}` shows how far it has come.',
  body: FleetCleanUpBody,
  response: {
    ...countedResponses(FleetCleanUpCount, FleetCleanUp),
    ...problemResponses({
      404: 'There is no such generation.',
      409: 'It is another number by now: `count`.'
    })
  }
}

const getCleanUp = {
  operationId: 'getFleetCleanUp',
  tags,
  summary: 'Read how far a clean-up at AWS IoT has come',
  params: FleetCleanUpParams,
  response: {
    200: { description: 'The order.', content: jsonContent(FleetCleanUp) },
    ...problemResponses({ 404: 'There is no such order.' })
  }
}

const listCleanUps = {
  operationId: 'listFleetCleanUps',
  tags,
  summary: 'List the clean-ups at AWS IoT',
  description: 'Newest first. The last hundred are kept.',
  querystring: FleetCleanUpListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(FleetCleanUpPage) } }
}

/** Deleting at AWS IoT what nobody needs any more. */
export const fleetCleanUpRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { cleanUps } }
) => {
  app.post(
    '/v1/fleet/clean-ups',
    { config: { access: ['admin'] }, schema: placeCleanUp },
    async (request, reply) => {
      const { of, authority, region, accountAlias, note } = request.body
      const selection = { of, authority, region, accountAlias }
      const count = expectedCountOf(request.body)
      if (count === undefined) return reply.code(200).send(viewCleanUpCount(await cleanUps.count(selection)))
      const placed = await cleanUps.place(selection, count, { ...actOf(request), reason: note })
      return reply
        .code(202)
        .header('location', `/v1/fleet/clean-ups/${placed.id}`)
        .send(viewToldCleanUp(placed))
    }
  )

  app.get('/v1/fleet/clean-ups/:id', { config: readers, schema: getCleanUp }, async ({ params: { id } }) =>
    viewToldCleanUp(await cleanUps.find(id))
  )

  app.get(
    '/v1/fleet/clean-ups',
    { config: readers, preValidation: coerceIntegers('query', ['limit']), schema: listCleanUps },
    async ({ query: { limit = defaultCleanUpLimit, ...query } }) =>
      viewPage(await cleanUps.list({ ...query, limit }), viewCleanUp)
  )
}
