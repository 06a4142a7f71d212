import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { shareAnswers } from '../../fairness/shared-answers.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { Health, Readiness, ReadinessQuerystring } from './schemas.ts'

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
  description:
    'Asks everything that an issuance needs: the database and the signing keys. One line that can issue is enough, unless `line` names one.',
  querystring: ReadinessQuerystring,
  response: {
    200: { description: 'Ready.', content: jsonContent(Readiness) },
    503: {
      description: 'Not ready; `checks` says why. Ask again after `Retry-After` seconds.',
      content: jsonContent(Readiness)
    },
    ...problemResponses({
      400: 'The request does not fit the schema.',
      404: 'There is no such authority line.'
    })
  }
}

const getMetrics = {
  operationId: 'getMetrics',
  tags,
  summary: 'Metrics for Prometheus',
  description: 'The Prometheus text format.',
  response: { 200: { description: 'The metrics.', content: { 'text/plain': { schema: Type.String() } } } }
}

const unreadyRetrySeconds = 5
/** Anybody may ask, and each answer takes several queries. */
const probeRestMs = 25

/** Asked every few seconds, so that only failures are logged. */
const quiet = { config: { access: 'public' }, logLevel: 'warn' } as const

/** What a supervisor and a metrics collector ask. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  // A probe of one line waits for those of other lines, and a probe of all for none.
  const ofAll = shareAnswers(() => services.readiness(), { restMs: probeRestMs })
  const ofLine = shareAnswers((line: string) => services.readiness(line), { restMs: probeRestMs })
  const metrics = shareAnswers(() => services.metrics.metrics(), { restMs: probeRestMs })

  app.get(healthPath, { ...quiet, schema: getHealth }, async () => ({ status: 'alive' as const }))

  app.get('/readyz', { ...quiet, schema: getReadiness }, async ({ query }, reply) => {
    const { ready, checks } = await (query.line === undefined ? ofAll(undefined) : ofLine(query.line))
    if (ready) return reply.code(200).send({ ready, checks })
    return reply.code(503).header('retry-after', unreadyRetrySeconds).send({ ready, checks })
  })

  app.get('/metrics', { ...quiet, schema: getMetrics }, async (_request, reply) =>
    reply.type(services.metrics.contentType).send(await metrics(undefined))
  )
}
