import * as http from 'node:http'
import * as https from 'node:https'

export type Posted =
  | { readonly status: number; readonly body: Buffer }
  | { readonly error: NodeJS.ErrnoException }
  /** It was longer than is read. */
  | 'too-long'

interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Posting {
  /** Never rejects. */
  post(message: Message, signal: AbortSignal): Promise<Posted>
  close(): void
}

/** How long a connection is kept for the next question; servers close theirs after five seconds and more. */
const idleMs = 4_000
/** Sixteen entries of metadata and a message are half as long. */
export const longestAnswerBytes = 32_768

/** Also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise, and not by what an earlier connection was found to be. */
const verified = { rejectUnauthorized: true, maxCachedSessions: 0 }

/** Posts to one address and to no other: a redirection is an answer like any other. */
export function createPosting(url: string, caPem?: string): Posting {
  const target = new URL(url)
  const isSecure = target.protocol === 'https:'
  const { Agent } = isSecure ? https : http
  const trusted = caPem === undefined ? {} : { ca: caPem }
  const agent = new Agent({ keepAlive: true, timeout: idleMs, ...(isSecure && { ...verified, ...trusted }) })

  async function post(message: Message, signal: AbortSignal): Promise<Posted> {
    const first = await postOnce({ target, agent }, message, signal)
    // The server closed a connection that was kept, at the moment at which it was used. The id tells it from a new question.
    return first === 'stale' ? ofNew(await postOnce({ target, agent }, message, signal)) : first
  }

  return { post, close: () => agent.destroy() }
}

function ofNew(posted: Posted | 'stale'): Posted {
  return posted === 'stale' ? { error: Object.assign(new Error('closed'), { code: 'ECONNRESET' }) } : posted
}

interface Connecting {
  readonly target: URL
  readonly agent: http.Agent
}

function postOnce(
  { target, agent }: Connecting,
  { headers, body }: Message,
  signal: AbortSignal
): Promise<Posted | 'stale'> {
  const open = target.protocol === 'https:' ? https.request : http.request
  return new Promise(resolve => {
    const length = Buffer.byteLength(body)
    const sent = open(target, {
      method: 'POST',
      agent,
      signal,
      headers: { ...headers, 'content-length': length }
    })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      resolve(isStale ? 'stale' : { error })
    })
    sent.on('response', response => {
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (part: Buffer) => {
        size += part.length
        parts.push(part)
        if (size <= longestAnswerBytes) return
        resolve('too-long')
        response.destroy()
      })
      response.on('error', (error: NodeJS.ErrnoException) => resolve({ error }))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }))
    })
    sent.end(body)
  })
}
