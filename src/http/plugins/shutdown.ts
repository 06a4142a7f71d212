import type { FastifyInstance } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'
import { healthPath } from '../api/health/routes.ts'

const retryAfterSeconds = 5

/** Once closing has begun, refuses new requests on connections that are still open. Those in flight finish. */
export function addShutdown(app: FastifyInstance): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onRequest', (request, _reply, done) => {
    if (!isClosing || request.routeOptions.url === healthPath) return done()
    const detail = 'The service is stopping. Send the same request again shortly.'
    done(new MintlineError('shutting_down', detail, { retryAfterSeconds }))
  })
  // A connection kept alive would hold up the closing until it times out.
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
}
