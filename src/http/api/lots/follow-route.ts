import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { authorizeAgain } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'
import { createLotOwnership } from './ownership.ts'
import { ProgressStreams } from './progress-stream.ts'
import { LotParams } from './schemas.ts'
import { viewLotProgress } from './view.ts'

const followLot = {
  operationId: 'followLot',
  tags: ['Lots'],
  summary: 'Follow a lot',
  description:
    'Server-sent events: `progress` with what `GET /v1/lots/{id}` answers, at once and after each change, at most one a second. The stream goes on until one side ends it, or the token is not valid any more.',
  params: LotParams,
  response: {
    200: {
      description: 'The stream.',
      content: {
        'text/event-stream': { schema: Type.String({ examples: ['event: progress\ndata: {}\n\n'] }) }
      }
    },
    ...problemResponses({ 404: 'There is no such lot.' })
  }
}

export const lotFollowRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  const { lots } = services
  const { assertOwn } = createLotOwnership(services)
  const streams = new ProgressStreams({ read: async id => viewLotProgress(await lots.find(id)) })
  app.addHook('preClose', async () => streams.close())

  app.get(
    '/v1/lots/:id/events',
    { config: { access: ['display', 'auditor', 'operator', 'admin'], heedsLines: true }, schema: followLot },
    async (request, reply) => {
      const id = await assertOwn(request)
      const stream = streams.open(id, viewLotProgress(await lots.find(id)), async () => {
        await authorizeAgain(request)
        await assertOwn(request)
      })
      request.raw.once('close', () => stream.destroy())
      return reply.type('text/event-stream').header('x-accel-buffering', 'no').send(stream)
    }
  )
}
