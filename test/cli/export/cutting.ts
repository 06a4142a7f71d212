import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

export interface Cutting extends AsyncDisposable {
  readonly url: string
  /** How often it has cut a connection. */
  readonly cuts: () => number
}

/**
 * Stands in front of the service, and cuts a connection, without an end, once so many octets of answers have gone through.
 *
 * @param octetsOf of the nth cut, from 0; undefined from where on none is cut.
 */
export async function startCutting(
  target: string,
  octetsOf: (index: number) => number | undefined
): Promise<Cutting> {
  const { hostname, port } = new URL(target)
  let cuts = 0
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    let passed = 0
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    client.on('error', end).on('close', end).pipe(upstream)
    upstream
      .on('error', end)
      .on('close', () => client.end())
      .on('data', (octets: Buffer) => {
        const limit = octetsOf(cuts)
        const left = limit === undefined ? octets.length : limit - passed
        passed += octets.length
        client.write(octets.subarray(0, left))
        if (passed <= (limit ?? passed)) return
        cuts += 1
        client.resetAndDestroy()
        upstream.destroy()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      server.close()
    }
  }
}
