import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { Health, Readiness } from './schemas.ts'

export const healthPath = '/healthz'

const tags = ['Health']

const getHealth = {
  operationId: 'getHealth',
  tags,
  summary: 'Whether the process runs',
  description: 'Answers 200 for as long as the process lives, whatever it depends on.',
  response: { 200: { description: 'It runs.', content: jsonContent(Health) } }
}

const getReadiness = {
  operationId: 'getReadiness',
  tags,
  summary: 'Whether certificates can be issued right now',
  description: 'Asks everything that an issuance needs: the database and the signing keys.',
  response: {
    200: { description: 'Ready.', content: jsonContent(Readiness) },
    503: { description: 'Not ready; `checks` says why.', content: jsonContent(Readiness) }
  }
}

const getMetrics = {
  operationId: 'getMetrics',
  tags,
  summary: 'Metrics for Prometheus',
  description: 'The Prometheus text format.',
  response: { 200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } } }
}

/** Asked every few seconds, so that only failures are logged. */
const quiet = { config: { access: 'public' }, logLevel: 'warn' } as const

/** What a supervisor and a metrics collector ask. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  app.get(healthPath, { ...quiet, schema: getHealth }, async () => ({ status: 'alive' as const }))

  app.get('/readyz', { ...quiet, schema: getReadiness }, async (_request, reply) => {
    const { ready, checks } = await services.readiness()
    return reply.code(ready ? 200 : 503).send({ ready, checks })
  })

  app.get('/metrics', { ...quiet, schema: getMetrics }, async (_request, reply) =>
    reply.type(services.metrics.contentType).send(await services.metrics.metrics())
  )
}
