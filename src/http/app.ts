import type { IncomingMessage } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { addAccess } from './plugins/access.ts'
import { addDocumentation } from './plugins/documentation.ts'
import { addProblemDetails, answerClientError, sendProblem } from './plugins/problem-details.ts'
import { addShutdown } from './plugins/shutdown.ts'
import { addTextGuard } from './plugins/text-guard.ts'
import { addUnknownRoute } from './plugins/unknown-route.ts'
import { buildLogOptions } from './logging.ts'
import { chooseRequestId } from './request-id.ts'
import { awsRegistrationRoutes } from './routes/aws-registrations.ts'
import { authorityRoutes } from './routes/authorities.ts'
import { authorityReadRoutes } from './routes/authority-reads.ts'
import { healthRoutes } from './routes/health.ts'
import { issuanceRoutes } from './routes/issuances.ts'
import { jobRoutes } from './routes/jobs.ts'
import { previewRoutes } from './routes/preview.ts'
import { profileRoutes } from './routes/profiles.ts'
import { recordRoutes } from './routes/records.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { sharedSchemas } from './schemas/shared.ts'
import type { HttpServices, HttpSettings } from './services.ts'

/** How often overdue connections are looked for: the precision of the request and header timeouts. */
const timeoutCheckIntervalMs = 1_000

/**
 * The HTTP API over the given services, ready to `listen` or `inject`. It holds no state of its own; `close`
 * lets requests in flight finish.
 */
export async function createHttpServer(
  services: HttpServices,
  settings: HttpSettings
): Promise<FastifyInstance> {
  const app = Fastify({
    ...buildLogOptions(settings),
    genReqId: (request: IncomingMessage) => chooseRequestId(request),
    requestIdHeader: false,
    bodyLimit: settings.bodyLimitBytes,
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    http: {
      headersTimeout: settings.headersTimeoutMs,
      connectionsCheckingInterval: timeoutCheckIntervalMs
    },
    // Fastify's own answer is not a problem document; addShutdown gives ours.
    return503OnClosing: false,
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        // Safe with a bounded body: the number of faults is bounded by its length.
        allErrors: true,
        verbose: true
      }
    },
    // Comes before any hook: what the router itself cannot read.
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply)
      sendProblem(error, request, reply)
    },
    clientErrorHandler: answerClientError
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.removeContentTypeParser('text/plain')
  for (const schema of sharedSchemas) app.addSchema(schema)

  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    done()
  })
  addProblemDetails(app)
  addShutdown(app)
  addUnknownRoute(app)
  addAccess(app, services.tokens)
  addTextGuard(app)
  await addDocumentation(app, settings.version)
  for (const routes of [
    issuanceRoutes,
    recordRoutes,
    profileRoutes,
    authorityReadRoutes,
    authorityRoutes,
    awsRegistrationRoutes,
    previewRoutes,
    tokenRoutes,
    jobRoutes,
    healthRoutes
  ]) {
    await app.register(routes, { services })
  }
  await app.ready()
  return app
}

/** The id, and that answers are neither sniffed nor kept: they hold records and, once, a token. */
function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  reply.header('cache-control', 'no-store')
}
