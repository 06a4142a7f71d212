import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { GetRegistrationCodeCommand, IoTClient } from '@aws-sdk/client-iot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AwsTimeLimits, clientSettings, withinTime } from '../../src/aws-client/client-settings.ts'
import { awsFailure } from '../../src/aws-client/failure.ts'
import type { MintlineError } from '../../src/errors/mintline-error.ts'

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a call to this address fails with. */
async function failureAt(endpoint: string, limits?: AwsTimeLimits): Promise<MintlineError> {
  const client = new IoTClient({
    ...clientSettings({ accountAlias: '', region: 'us-east-1' }, limits),
    maxAttempts: 1,
    endpoint,
    credentials: { accessKeyId: 'AKIDSECRET', secretAccessKey: 'secret' }
  })
  onTestFinished(() => client.destroy())
  const never = new AbortController().signal
  const send = (abortSignal: AbortSignal) => client.send(new GetRegistrationCodeCommand({}), { abortSignal })
  return withinTime(send, never, limits).then(
    () => expect.unreachable(),
    (error: unknown) => awsFailure(error, 'iot:GetRegistrationCode')
  )
}

describe('a call to AWS fails, to be tried again', () => {
  it('with the address where nobody listens', async () => {
    const server = createServer()
    const url = await listen(server)
    server.close()
    await once(server, 'close')
    const { code, detail, retryAfterSeconds } = await failureAt(url)
    expect([code, retryAfterSeconds === undefined]).toEqual(['aws_unavailable', false])
    expect(detail).toContain(new URL(url).host)
  })

  it('with the name that nobody knows', async () => {
    const { code, detail } = await failureAt('https://iot.nowhere.invalid')
    expect(code).toBe('aws_unavailable')
    expect(detail).toContain('iot.nowhere.invalid')
  })

  it.each([502, 503, 407, 403, 200])('where a proxy answers with a page and HTTP %i', async status => {
    const page = (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>')
    const { code, detail } = await failureAt(await listen(createHttpServer(page)))
    expect(code).toBe('aws_unavailable')
    expect(detail).toContain(`HTTP ${status}`)
    expect(detail).toContain('text/html')
  })

  it('where the connection is cut off', async () => {
    const { code } = await failureAt(await listen(createServer(socket => socket.destroy())))
    expect(code).toBe('aws_unavailable')
  })

  it.each([
    ['each request has', { connection: 200, request: 300, call: 20_000 }],
    ['the whole call has', { connection: 20_000, request: 20_000, call: 300 }]
  ])('after the time that %s, where nobody answers', async (_, limits) => {
    const url = await listen(createServer(() => undefined))
    const start = performance.now()
    expect((await failureAt(url, limits)).code).toBe('aws_unavailable')
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
