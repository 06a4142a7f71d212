import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { CloudEvent } from '../../src/events/cloud-event.ts'

export const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** A message whose signature holds. */
export interface Message {
  readonly id: string
  readonly contentType: string | undefined
  readonly body: string
  readonly events: readonly CloudEvent[]
}

export interface TestReceiver extends AsyncDisposable {
  readonly url: string
  /** Every message that came, whatever was answered. */
  readonly messages: Message[]
  /** The events of those that were answered 2xx. */
  readonly taken: CloudEvent[]
  /** Whether it refuses what is dated long ago or in the future, as receivers should. */
  checksDate: boolean
  /** Has another certificate from then on. */
  readonly show: (certificate: ServerOptions) => void
  /** Gives the status to answer with, or answers by itself and gives undefined. */
  answer: (message: Message, response: ServerResponse) => number | undefined
}

/**
 * An HTTP server that checks signatures with the reference library. A message that fails the check gets 401.
 *
 * @param tls of the certificate that it begins with; without it, it speaks no TLS.
 */
export async function createTestReceiver(port = 0, tls?: ServerOptions): Promise<TestReceiver> {
  const verifier = new Webhook(secret)
  const messages: Message[] = []
  const taken: CloudEvent[] = []
  const holds = (body: string, headers: Record<string, string>) => {
    try {
      if (receiver.checksDate) return verifier.verify(body, headers) !== undefined
    } catch {
      return false
    }
    const date = new Date(Number(headers['webhook-timestamp']) * 1_000)
    return verifier.sign(headers['webhook-id']!, date, body) === headers['webhook-signature']
  }
  const listener: RequestListener = (request, response) => {
    void text(request).then(body => {
      const headers = request.headers as Record<string, string>
      if (!holds(body, headers)) {
        response.writeHead(401).end()
        return
      }
      const events = JSON.parse(body) as CloudEvent[]
      const message = { id: headers['webhook-id']!, contentType: headers['content-type'], body, events }
      messages.push(message)
      const status = receiver.answer(message, response)
      if (status === undefined) return
      if (status < 300) taken.push(...events)
      response.writeHead(status).end()
    })
  }
  const secure = tls && createTlsServer(tls, listener)
  const server = secure ?? createServer(listener)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const receiver: TestReceiver = {
    url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${(server.address() as AddressInfo).port}/events`,
    checksDate: true,
    show(certificate) {
      secure?.setSecureContext(certificate)
      server.closeAllConnections()
    },
    messages,
    taken,
    answer: () => 204,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
  return receiver
}
