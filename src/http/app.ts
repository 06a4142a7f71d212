import type { IncomingMessage } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { auditEventRoutes } from './api/audit-events/routes.ts'
import { compromiseRoutes } from './api/authorities/compromise/routes.ts'
import { crlRoutes } from './api/authorities/crl/routes.ts'
import { authorityReadRoutes } from './api/authorities/read-routes.ts'
import { authorityRoutes } from './api/authorities/routes.ts'
import { awsPushRoutes } from './api/aws-pushes/routes.ts'
import { awsRegistrationRoutes } from './api/aws-registrations/routes.ts'
import { batchRoutes } from './api/batch/routes.ts'
import { blockedKeyRoutes } from './api/blocked-keys/routes.ts'
import { clockRoutes } from './api/clock/routes.ts'
import { countRoutes } from './api/counts/routes.ts'
import { eventRoutes } from './api/events/routes.ts'
import { exportContentRoutes } from './api/exports/content-route.ts'
import { exportRoutes } from './api/exports/routes.ts'
import { fleetAcknowledgingRoutes } from './api/fleet/acknowledging/routes.ts'
import { fleetCleanUpRoutes } from './api/fleet/clean-ups/routes.ts'
import { fleetRoutes } from './api/fleet/routes.ts'
import { healthRoutes } from './api/health/routes.ts'
import { issuanceRoutes } from './api/issuances/routes.ts'
import { jobRoutes } from './api/jobs/routes.ts'
import { lotDeviceReadRoutes, lotDeviceRoutes } from './api/lots/devices/routes.ts'
import { lotFollowRoutes } from './api/lots/follow-route.ts'
import { lotRoutes, statementKeyRoutes } from './api/lots/routes.ts'
import { ocspRoutes } from './api/ocsp/routes.ts'
import { previewRoutes } from './api/preview/routes.ts'
import { profileRoutes } from './api/profiles/routes.ts'
import { recordRoutes } from './api/records/routes.ts'
import { refusalCountRoutes } from './api/refusal-counts/routes.ts'
import { reportRoutes } from './api/reports/routes.ts'
import { revocationOrderRoutes } from './api/revocations/order-routes.ts'
import { revocationRoutes } from './api/revocations/routes.ts'
import { ownCertificateRoutes } from './api/self/certificate-routes.ts'
import { selfRoutes } from './api/self/routes.ts'
import { stationProfileRoutes } from './api/station-profile/routes.ts'
import { stationCertificateRoutes } from './api/stations/certificate-routes.ts'
import { stationRoutes } from './api/stations/routes.ts'
import { tokenLoginRoutes } from './api/token-logins/routes.ts'
import { tokenRoutes } from './api/tokens/routes.ts'
import { createAuthentication } from './authentication/authentication.ts'
import { Postponed } from './compilers/postponed.ts'
import { createSerializerFactory } from './compilers/serializers.ts'
import { createValidatorFactory, useLinearUniqueItems } from './compilers/validators.ts'
import { hasMuchUnread, leaveUnread } from './connections/arrival.ts'
import { createBoundedServer } from './connections/server.ts'
import { addStatusGuard } from './connections/status-server.ts'
import { addFairTurns } from './fairness/fair-turns.ts'
import { addRequestLimits } from './fairness/request-limits.ts'
import { buildLogOptions } from './logging.ts'
import { addAccess } from './plugins/access.ts'
import { addDocumentation } from './plugins/documentation.ts'
import { addJsonGuard } from './plugins/json-guard.ts'
import { addKeyGuard, refuseUnparsedKeys } from './plugins/key-guard.ts'
import { addMessageGuard } from './plugins/message-guard.ts'
import { addPages } from './plugins/pages.ts'
import { addShutdown } from './plugins/shutdown.ts'
import { addTextGuard } from './plugins/text-guard.ts'
import { addUnknownRoute } from './plugins/unknown-route.ts'
import { addProblemDetails, answerClientError, sendProblem } from './problems/problem-details.ts'
import { chooseRequestId } from './request-id.ts'
import { sharedSchemas } from './schemas/shared.ts'
import type { HttpServices, HttpSettings } from './services.ts'

const allRoutes = [
  issuanceRoutes,
  batchRoutes,
  recordRoutes,
  countRoutes,
  reportRoutes,
  revocationRoutes,
  revocationOrderRoutes,
  ocspRoutes,
  refusalCountRoutes,
  auditEventRoutes,
  exportRoutes,
  exportContentRoutes,
  profileRoutes,
  authorityReadRoutes,
  crlRoutes,
  compromiseRoutes,
  authorityRoutes,
  awsRegistrationRoutes,
  awsPushRoutes,
  fleetRoutes,
  fleetAcknowledgingRoutes,
  fleetCleanUpRoutes,
  previewRoutes,
  blockedKeyRoutes,
  tokenRoutes,
  stationRoutes,
  stationCertificateRoutes,
  lotRoutes,
  lotFollowRoutes,
  lotDeviceRoutes,
  lotDeviceReadRoutes,
  statementKeyRoutes,
  selfRoutes,
  ownCertificateRoutes,
  stationProfileRoutes,
  tokenLoginRoutes,
  jobRoutes,
  eventRoutes,
  clockRoutes,
  healthRoutes
]

/**
 * The HTTP API over the given services, ready to `listen` or `inject`. It holds no state of its own; `close`
 * lets requests in flight finish.
 */
export async function createHttpServer(
  services: HttpServices,
  settings: HttpSettings
): Promise<FastifyInstance> {
  const postponed = new Postponed()
  const app = Fastify({
    ...buildLogOptions(settings),
    genReqId: (request: IncomingMessage) => chooseRequestId(request),
    requestIdHeader: false,
    bodyLimit: settings.bodyLimitBytes,
    serverFactory: handler => createBoundedServer(handler, settings),
    // Fastify's own answer is not a problem document; addShutdown gives ours.
    return503OnClosing: false,
    ajv: {
      customOptions: {
        removeAdditional: false,
        coerceTypes: false,
        useDefaults: false,
        // Safe with a bounded body: the number of faults is bounded by its length.
        allErrors: true,
        verbose: true,
        // It takes a quarter of the time of making a validator to better its code; V8 does the same where it matters.
        code: { optimize: false }
      },
      plugins: [useLinearUniqueItems]
    },
    schemaController: {
      compilersFactory: {
        buildSerializer: createSerializerFactory(postponed),
        buildValidator: createValidatorFactory(postponed)
      }
    },
    // Comes before any hook: what the router itself cannot read.
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply)
      sendProblem(error, request, reply)
    },
    clientErrorHandler: answerClientError
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.removeContentTypeParser(['text/plain', 'application/json'])
  const { disclosures } = services
  addJsonGuard(app, (request, body) => refuseUnparsedKeys(disclosures, request, body))
  for (const schema of sharedSchemas) app.addSchema(schema)

  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    done()
  })
  addProblemDetails(app, services)
  addConnectionEnds(app)
  addMessageGuard(app)
  addUnknownRoute(app)
  addAdmission(app, services, settings)
  addKeyGuard(app, disclosures)
  addTextGuard(app)
  await addDocumentation(app, settings.version)
  addPages(app, settings.version)
  for (const routes of allRoutes) await app.register(routes, { services })
  makePostponed(app, postponed)
  await app.ready()
  return app
}

/** By and by, for as long as the server listens. */
function makePostponed(app: FastifyInstance, postponed: Postponed): void {
  const closing = new AbortController()
  app.addHook('onListen', done => {
    void postponed.makeRest(closing.signal)
    done()
  })
  app.addHook('preClose', async () => closing.abort())
}

/** What is there, who may do what, and when it is its turn. */
function addAdmission(app: FastifyInstance, services: HttpServices, settings: HttpSettings): void {
  addStatusGuard(app)
  const authenticate = createAuthentication(services, settings.certificateProxies)
  addAccess(app, authenticate)
  addFairness(app, settings, services.metrics)
}

/** Besides the end of the service: an answer that comes before much of the body, mostly a refusal, ends the connection. */
function addConnectionEnds(app: FastifyInstance): void {
  addShutdown(app)
  app.addHook('onSend', async ({ raw }, reply) => {
    if (!hasMuchUnread(raw)) return
    reply.header('connection', 'close')
    leaveUnread(raw)
  })
}

/** Who is held to a limit is refused first, and takes nobody's turn. */
function addFairness(app: FastifyInstance, settings: HttpSettings, metrics: HttpServices['metrics']): void {
  addRequestLimits(app, settings.stationRequestsPerMinute)
  addFairTurns(app, settings.maximumWaiting, metrics)
}

/** The id, and that answers are neither sniffed nor kept: they hold records and, once, a token. */
function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  reply.header('cache-control', 'no-store')
}
