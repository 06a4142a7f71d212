import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** One line of a batch's answer. */
interface AnsweredLine {
  readonly ref?: string
  readonly line: number
  readonly status: number
  readonly code?: string
  readonly chainPem?: string
  readonly replayed?: boolean
  readonly retryAfterSeconds?: number
  readonly instance?: string
}

export interface AnsweredBatch {
  readonly status: number
  readonly text: string
  /** By line. */
  readonly lines: readonly AnsweredLine[]
  readonly summary: Readonly<Record<string, number | boolean>> | undefined
}

type Body = string | Iterable<string> | AsyncIterable<string>

interface Sender {
  readonly url: string
  readonly token: string
}

/** Sends a batch, in pieces where they are given, and reads its answer meanwhile. */
export async function sendBatch(
  { url, token }: Sender,
  body: Body,
  headers: Readonly<Record<string, string>> = {}
): Promise<AnsweredBatch> {
  const sending = request(`${url}/v1/issuances/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', ...headers }
  })
  const answering = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sending.once('error', reject)
    sending.once('response', response => {
      text(response).then(answer => resolve({ status: response.statusCode ?? 0, text: answer }), reject)
    })
  })
  const isClosed = new Promise(resolve => sending.once('close', resolve))
  void write()
  const answer = await answering
  sending.destroy()
  return { ...answer, ...readAnswer(answer.status === 200 ? answer.text : '') }

  async function write(): Promise<void> {
    for await (const piece of typeof body === 'string' ? [body] : body) {
      if (sending.destroyed) return
      if (!sending.write(piece)) await Promise.race([once(sending, 'drain'), isClosed])
    }
    sending.end()
  }
}

function readAnswer(answer: string): Pick<AnsweredBatch, 'lines' | 'summary'> {
  const all = answer
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as AnsweredLine & { summary?: AnsweredBatch['summary'] })
  const last = all.at(-1)?.summary
  const lines = all.filter(({ summary }) => summary === undefined)
  return { lines: lines.toSorted((one, other) => one.line - other.line), summary: last }
}
