import type { IncomingMessage, ServerResponse } from 'node:http'
import { leaveUnread } from '../../http/connections/arrival.ts'
import { refusal, type WitnessAnswer } from '../../witness/answer.ts'
import type { Witness, WitnessLog } from '../../witness/witness.ts'

/** Of a request; a checkpoint with the most signatures and the longest proof has room. */
const maximumBodyBytes = 64 * 1024

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** What is served over HTTP: `POST /add-checkpoint` and `GET /healthz`. */
export function createWitnessHandler(witness: Witness, log: WitnessLog): Handler {
  return (request, response) => {
    const start = performance.now()
    void answer(witness, request)
      .catch((err: unknown) => {
        log.error({ err }, 'this is a fault in Mintline; please report it')
        return refusal(500, 'The witness failed.')
      })
      .then(({ status, contentType, body, headers }: HttpAnswer) => {
        // Whoever left has no answer.
        if (response.destroyed) return
        const isUnread = !request.complete
        response.writeHead(status, {
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
          ...headers,
          ...(status === 503 && { 'retry-after': '5' }),
          ...(isUnread && { connection: 'close' })
        })
        response.end(request.method === 'HEAD' ? undefined : body)
        if (isUnread) leaveUnread(request)
        const durationMs = Math.round((performance.now() - start) * 10) / 10
        log.info({ status, durationMs, address: request.socket.remoteAddress }, 'request')
      })
  }
}

interface HttpAnswer extends WitnessAnswer {
  readonly headers?: Readonly<Record<string, string>>
}

async function answer(witness: Witness, request: IncomingMessage): Promise<HttpAnswer> {
  const [path] = (request.url ?? '').split('?', 1)
  if (path === '/healthz') {
    if (request.method === 'GET' || request.method === 'HEAD') return refusal(200, 'ok')
    return { ...refusal(405, 'Only GET is answered here.'), headers: { allow: 'GET, HEAD' } }
  }
  if (path !== '/add-checkpoint') return refusal(404, 'There is nothing here. POST /add-checkpoint.')
  if (request.method !== 'POST')
    return { ...refusal(405, 'Only POST is answered here.'), headers: { allow: 'POST' } }
  const body = await readBody(request)
  if (body === undefined) return refusal(413, `The request is larger than ${maximumBodyBytes} octets.`)
  return witness.addCheckpoint(body)
}

/** Undefined for one that is too large, of which the rest is left. Rejects when the client leaves before its end. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maximumBodyBytes) return undefined
  const chunks: Buffer[] = []
  let received = 0
  // An answer is still to go where the reading is ended.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of body) {
    received += chunk.length
    if (received > maximumBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
