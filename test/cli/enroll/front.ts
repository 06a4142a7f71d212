import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What is done with a request instead of passing it on. */
export type Deed =
  | 'pass'
  /** Passed on, and the connection cut when the service has answered. */
  | 'lose the answer'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }

export interface Front extends AsyncDisposable {
  readonly url: string
  /** What came, in order. */
  readonly bodies: readonly Buffer[]
  readonly paths: readonly string[]
  readonly times: readonly number[]
}

/** Stands in front of the service, and does to the nth request, from 0, what it is told. */
export async function startFront(target: string, decide: (index: number) => Deed): Promise<Front> {
  const bodies: Buffer[] = []
  const paths: string[] = []
  const times: number[] = []
  const passOn = (request: IncomingMessage, body: Buffer) =>
    fetch(target + (request.url ?? ''), {
      method: request.method ?? 'GET',
      headers: Object.entries(request.headers).filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === 'string' &&
          !/^(host|connection|content-length|transfer-encoding)$/.test(entry[0])
      ),
      ...(body.length > 0 && { body: new Uint8Array(body) })
    })
  const server = createServer((request, response) => {
    void (async () => {
      times.push(performance.now())
      const index = paths.push(request.url ?? '') - 1
      const body = await buffer(request)
      bodies.push(body)
      const deed = decide(index)
      if (typeof deed === 'object') {
        response.writeHead(deed.status, deed.headers).end(deed.body)
        return
      }
      const answer = await passOn(request, body)
      const content = Buffer.from(await answer.arrayBuffer())
      if (deed === 'lose the answer') request.socket.destroy()
      else response.writeHead(answer.status, [...answer.headers].flat()).end(content)
    })().catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    paths,
    times,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}
