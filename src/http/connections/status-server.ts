import type { IncomingMessage, Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { pathNotFound } from '../plugins/unknown-route.ts'
import { answerClientError } from '../problems/problem-details.ts'
import { createBoundedServer, type ServerSettings } from './server.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** That it tells relying parties of certificates, and so is there on the port for that as well. */
    isStatus?: boolean
  }
}

/** Requests that came by the port for status. */
const byStatusPort = new WeakSet<IncomingMessage>()

/** On the port for status every other route is none. Must be added before what reads tokens or bodies. */
export function addStatusGuard(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isElsewhere = byStatusPort.has(request.raw) && request.routeOptions.config.isStatus !== true
    done(isElsewhere ? pathNotFound() : undefined)
  })
}

/**
 * A second server before the same routes, in clear: RFC 5280 §8 has no TLS where its chain might be what is asked about. The
 * bounds of its connections are its own, so that those who ask keep no station from connecting.
 */
export function createStatusServer(app: FastifyInstance, settings: ServerSettings): Server {
  const server = createBoundedServer(
    (request, response) => {
      byStatusPort.add(request)
      app.routing(request, response)
    },
    { ...settings, tls: undefined }
  )
  server.on('clientError', answerClientError)
  return server
}
