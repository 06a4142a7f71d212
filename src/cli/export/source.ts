import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { ConnectionSettings } from '../enroll/exchange/connection.ts'

/** What the service answers, to be read as it comes. */
export interface Source {
  /** @throws Error with the `code` of Node where there is no answer, or none goes on, for `idleMs`. */
  open(path: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage>
  close(): void
}

const idleMs = 60_000

export function createSource({ url, token, caPem, client }: ConnectionSettings): Source {
  const isSecure = url.protocol === 'https:'
  const agent = isSecure
    ? new https.Agent({
        // It may go through a proxy.
        ...https.globalAgent.options,
        ...(caPem && { ca: caPem }),
        ...(client && { cert: client.certificatePem, key: client.keyPem })
      })
    : new http.Agent()
  const prefix = url.pathname.replace(/\/$/, '')
  return {
    open(path, headers) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const options = {
        agent,
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        timeout: idleMs
      }
      const request = (isSecure ? https : http).get(new URL(prefix + path, url), options)
      request.once('timeout', () => request.destroy(Object.assign(new Error('idle'), { code: 'ETIMEDOUT' })))
      request.on('error', reject).once('response', resolve)
      return promise
    },
    close: () => agent.destroy()
  }
}

const maximumProblemBytes = 256 * 1024

/** Of an answer that is told and not kept. */
export async function readSmall(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maximumProblemBytes) throw new Error('the answer is too long to be one of the service')
    parts.push(part)
  }
  return Buffer.concat(parts)
}
