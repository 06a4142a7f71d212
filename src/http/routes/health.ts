import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { Health, Readiness } from '../schemas/health.ts'
import { referenceTo } from '../schemas/reference.ts'
import type { HttpServices } from '../services.ts'

export const healthPath = '/healthz'

/** What a supervisor and a metrics collector ask. Asked every few seconds, so only failures are logged. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  app.get(
    healthPath,
    {
      config: { access: 'public' },
      logLevel: 'warn',
      schema: {
        operationId: 'getHealth',
        tags: ['Health'],
        summary: 'Whether the process runs',
        description: 'Answers 200 for as long as the process lives, whatever it depends on.',
        response: {
          200: { description: 'It runs.', content: { 'application/json': { schema: referenceTo(Health) } } }
        }
      }
    },
    async () => ({ status: 'alive' as const })
  )

  app.get(
    '/readyz',
    {
      config: { access: 'public' },
      logLevel: 'warn',
      schema: {
        operationId: 'getReadiness',
        tags: ['Health'],
        summary: 'Whether certificates can be issued right now',
        description: 'Asks everything that an issuance needs: the database and the signing keys.',
        response: {
          200: { description: 'Ready.', content: { 'application/json': { schema: referenceTo(Readiness) } } },
          503: {
            description: 'Not ready; `checks` says why.',
            content: { 'application/json': { schema: referenceTo(Readiness) } }
          }
        }
      }
    },
    async (_request, reply) => {
      const { ready, checks } = await services.readiness()
      return reply.code(ready ? 200 : 503).send({ ready, checks })
    }
  )

  app.get(
    '/metrics',
    {
      config: { access: 'public' },
      logLevel: 'warn',
      schema: {
        operationId: 'getMetrics',
        tags: ['Health'],
        summary: 'Metrics for Prometheus',
        description: 'The Prometheus text format.',
        response: {
          200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } }
        }
      }
    },
    async (_request, reply) => reply.type(services.metrics.contentType).send(await services.metrics.metrics())
  )
}
