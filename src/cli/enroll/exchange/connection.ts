import http from 'node:http'
import https from 'node:https'

/** What leads to the service, and what this station shows it. */
export interface ConnectionSettings {
  readonly url: URL
  readonly token: string | undefined
  /** PEM of the CAs that may have signed the server's certificate; undefined for those that Node knows. */
  readonly caPem: Buffer | undefined
  readonly client: { readonly certificatePem: Buffer; readonly keyPem: Buffer } | undefined
}

export interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
}

export interface Reply {
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  readonly body: Buffer
}

export interface Connection {
  /** One try. @throws Error with the `code` of Node where there is no whole answer within `timeoutMs`. */
  send(asked: Asked, timeoutMs: number): Promise<Reply>
  close(): void
}

/** An issuance has some five kilobytes. */
const maximumReplyBytes = 1024 * 1024
const longestRetryAfterSeconds = 86_400

export function createConnection({ url, token, caPem, client }: ConnectionSettings): Connection {
  const isSecure = url.protocol === 'https:'
  const agent = isSecure
    ? new https.Agent({
        // It may go through a proxy.
        ...https.globalAgent.options,
        keepAlive: true,
        ...(caPem && { ca: caPem }),
        ...(client && { cert: client.certificatePem, key: client.keyPem })
      })
    : new http.Agent({ keepAlive: true })
  const prefix = url.pathname.replace(/\/$/, '')
  return {
    send({ method, path, headers, body }, timeoutMs) {
      const { promise, resolve, reject } = Promise.withResolvers<Reply>()
      const options = {
        method,
        agent,
        headers: {
          ...headers,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body && { 'content-length': body.length })
        },
        signal: AbortSignal.timeout(timeoutMs)
      }
      const request = (isSecure ? https : http).request(new URL(prefix + path, url), options)
      request.once('error', reject).once('response', response => {
        readReply(response).then(resolve, (error: unknown) => {
          request.destroy()
          reject(error)
        })
      })
      request.end(body)
      return promise
    },
    close: () => agent.destroy()
  }
}

async function readReply(response: http.IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maximumReplyBytes) throw new Error('the answer is too long to be one of the service')
    chunks.push(chunk)
  }
  const retryAfterSeconds = parseRetryAfter(response.headers['retry-after'], new Date())
  return { status: response.statusCode ?? 0, retryAfterSeconds, body: Buffer.concat(chunks) }
}

/** Seconds or a date (RFC 9110 §10.2.3), as seconds from now; undefined for anything else. */
export function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined
  const seconds = /^\d{1,9}$/.test(value) ? Number(value) : (Date.parse(value) - now.getTime()) / 1_000
  if (Number.isNaN(seconds)) return undefined
  return Math.min(Math.max(seconds, 0), longestRetryAfterSeconds)
}
