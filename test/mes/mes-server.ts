import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

export const mesSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

/** A question whose signature holds, as it came. */
interface Question {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What is answered, as JSON; or whatever is done with the response by itself. */
export type Answering = (
  question: Question,
  response: ServerResponse,
  request: IncomingMessage
) => object | undefined | Promise<object | undefined>

export type MesServer = Awaited<ReturnType<typeof startMesServer>>

/** A MES of the test's own, that checks signatures with the reference library; what fails the check gets 401. */
export async function startMesServer(tls?: ServerOptions) {
  const verifier = new Webhook(mesSecret)
  const questions: Question[] = []
  const state = {
    answering: (() => ({ verdict: 'allow' })) as Answering,
    connections: 0,
    underWay: 0,
    mostUnderWay: 0
  }
  const listener: RequestListener = (request, response) => {
    void answer(request, response).catch(() => response.destroy())
  }
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    state.underWay += 1
    state.mostUnderWay = Math.max(state.mostUnderWay, state.underWay)
    response.on('close', () => void (state.underWay -= 1))
    const body = await text(request)
    let message: { type: string; data: Question['data'] }
    try {
      message = verifier.verify(body, request.headers as Record<string, string>) as typeof message
    } catch {
      response.writeHead(401).end()
      return
    }
    const question = { id: request.headers['webhook-id'] as string, ...message }
    questions.push(question)
    const told = await state.answering(question, response, request)
    if (told === undefined) return
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on(tls === undefined ? 'connection' : 'secureConnection', () => void (state.connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}/ask`,
    questions,
    state,
    dropConnections: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
