import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * Refuses messages that two readers could read differently, before anything else is done with them: more or fewer than
 * one Host header (RFC 9112, section 3.2), and a body under a content coding (RFC 9110, section 8.4), which no route
 * takes: a CSR is small, and what is unpacked has no bound.
 */
export function addMessageGuard(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(faultOf(request))
  })
}

function faultOf({ raw, headers }: FastifyRequest): MintlineError | undefined {
  const hosts = countHosts(raw.rawHeaders)
  if (hosts > 1 || (hosts === 0 && raw.httpVersion !== '1.0')) {
    return new MintlineError('request_invalid', `Send one Host header; the request has ${hosts}.`, {
      violations: [
        {
          pointer: '/headers/host',
          expected: 'one Host header',
          found: String(hosts),
          message: 'Correct the client, or the proxy in front of the service.'
        }
      ]
    })
  }
  const coding = headers['content-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'identity') return undefined
  return new MintlineError(
    'media_type_unsupported',
    'The body is under a Content-Encoding. Send it as it is, without that header.'
  )
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}
