import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { parseInstant } from '../../../listing/times.ts'
import { actOf } from '../../../plugins/access.ts'
import { expectedCountOf } from '../../../schemas/counted-order.ts'
import { problemResponses } from '../../../schemas/problem.ts'
import { jsonContent } from '../../../schemas/reference.ts'
import type { HttpServices } from '../../../services.ts'
import { viewFinding } from '../view.ts'
import { FleetAcknowledged, FleetAcknowledgeManyBody } from './schemas.ts'

const acknowledgeMany = {
  operationId: 'acknowledgeFleetFindings',
  tags: ['Fleet'],
  summary: 'Acknowledge many alarms of the fleet',
  description:
    'Twice: with `dryRun: true` it answers how many open alarms are selected, and with that number as `expectedCount` it acknowledges them, all or none, with one entry in the audit.',
  body: FleetAcknowledgeManyBody,
  response: {
    200: { description: 'How many.', content: jsonContent(FleetAcknowledged) },
    ...problemResponses({
      404: 'There is no such generation.',
      409: 'It is another number by now: `count`.'
    })
  }
}

/** Saying of many alarms at once what of them. */
export const fleetAcknowledgingRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { fleet } }
) => {
  app.post(
    '/v1/fleet/findings/acknowledge',
    { config: { access: ['operator', 'admin'] }, schema: acknowledgeMany },
    async request => {
      const { note, dryRun: _dryRun, expectedCount: _count, registeredBefore, ...narrower } = request.body
      const selection = {
        ...narrower,
        ...(registeredBefore !== undefined && {
          registeredBefore: parseInstant(registeredBefore, '/registeredBefore')
        })
      }
      const expected = expectedCountOf(request.body)
      if (expected === undefined) {
        const { first, ...counted } = await fleet.countAlarms(selection)
        return { ...counted, first: first.map(viewFinding) }
      }
      return { count: await fleet.acknowledgeAlarms(selection, expected, actOf(request, note)) }
    }
  )
}
