import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actOf } from '../../plugins/access.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { ClockBody, ClockState } from './schemas.ts'

const acceptClock = {
  operationId: 'acceptClock',
  tags: ['Health'],
  summary: 'Accept that records are of a wrong future',
  description:
    'Where a clock ran ahead, its records keep the right time from being trusted (`clock_untrusted`). From this act on no clock is judged by the records that are later than the database’s clock now; they stay as they are. It takes a reason and is in the audit. A clock that is apart from the database’s is not mended by it.',
  body: ClockBody,
  response: { 200: { description: 'What is thought of the clock now.', content: jsonContent(ClockState) } }
}

export const clockRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { clock } }
) => {
  app.post('/v1/clock/accept', { config: { access: ['admin'] }, schema: acceptClock }, async request => {
    const { reason } = request.body
    return clock.accept({ ...actOf(request), reason })
  })
}
