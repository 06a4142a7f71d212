import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const form = /^[A-Za-z0-9._-]{1,64}$/

/** The client's own `X-Request-Id` where it is fit to be logged and echoed, else a random one. */
export function chooseRequestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && form.test(given) ? given : randomUUID()
}
