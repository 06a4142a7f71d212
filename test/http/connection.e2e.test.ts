import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { IssuanceResult } from '../../src/issuance/request.ts'
import { bearer, createTestApp, record, type TestApp } from './port.ts'

const opened: TestApp[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(app => app.close()))
})

async function listen(changes: Parameters<typeof createTestApp>[0] = {}) {
  const port = await createTestApp(changes)
  opened.push(port.app)
  await port.app.listen({ host: '127.0.0.1', port: 0 })
  return { port, number: (port.app.server.address() as AddressInfo).port }
}

/** A bare connection: what was received so far, and a promise of its end. */
function open(number: number): { socket: Socket; received: () => string; ended: Promise<void> } {
  const socket = connect(number, '127.0.0.1')
  const chunks: string[] = []
  socket.setEncoding('latin1').on('data', chunk => chunks.push(String(chunk)))
  const ended = new Promise<void>(resolve => socket.on('close', () => resolve()).on('error', () => resolve()))
  return { socket, received: () => chunks.join(''), ended }
}

const codeIn = (text: string) => (JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { code: string }).code
const authorization = `Authorization: ${bearer('station').authorization}\r\n`

describe('a connection', () => {
  it.each([
    ['the header section', 'POST /v1/issuances HTTP/1.1\r\nHost: x\r\n'],
    [
      'the body',
      `POST /v1/issuances HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{`
    ]
  ])('is answered and closed when %s does not arrive in time', async (_name, start) => {
    const { number } = await listen({ headersTimeoutMs: 300, requestTimeoutMs: 600 })
    const { socket, received, ended } = open(number)
    socket.write(start)
    await ended
    expect(received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(codeIn(received())).toBe('request_timeout')
  })

  it('is closed when it idles', async () => {
    const { number } = await listen({ keepAliveTimeoutMs: 100 })
    const { socket, received, ended } = open(number)
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await ended
    expect(received()).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each([
    [
      'a header section over the limit',
      `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      { status: 413, code: 'request_too_large' }
    ],
    ['what is not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', { status: 400, code: 'request_invalid' }],
    [
      'two contradicting lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      { status: 400, code: 'request_invalid' }
    ]
  ])('is answered and closed after %s', async (_name, bytes, { status, code }) => {
    const { number } = await listen()
    const { socket, received, ended } = open(number)
    socket.write(bytes, 'latin1')
    await ended
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(codeIn(received())).toBe(code)
  })
})

describe('a client that leaves', () => {
  it('is not logged as a fault of the service', async () => {
    const lines: string[] = []
    const { number } = await listen({
      logLevel: 'trace',
      logStream: { write: line => void lines.push(line) }
    })
    const { socket } = open(number)
    socket.write(
      `POST /v1/issuances HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{`
    )
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    await vi.waitFor(() => expect(lines.length).toBeGreaterThan(0), 10_000)
    const levels = lines.map(line => (JSON.parse(line) as { level: number }).level)
    expect(Math.max(...levels)).toBeLessThan(50)
  })
})

describe('a service that stops', () => {
  const payload = JSON.stringify({ csr: 'x', profile: 'starter' })
  const request = `POST /v1/issuances HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${payload.length}\r\n\r\n${payload}`

  /** A service that has begun an issuance on one connection, holds it until `finish`, and is told to close. */
  async function closeUnderWay(beside: (number: number) => void = () => undefined) {
    const { port, number } = await listen()
    const { promise: issued, resolve: finish } = Promise.withResolvers<IssuanceResult>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    port.issue = () => {
      begin()
      return issued
    }
    beside(number)
    const connection = open(number)
    connection.socket.write(request)
    await begun
    const closed = port.app.close()
    await new Promise(resolve => setTimeout(resolve, 50))
    return {
      port,
      received: connection.received,
      ended: connection.ended,
      closed,
      finish: () => finish({ record, replayed: false })
    }
  }

  it('finishes what has begun to arrive, then lets go of the connections at once', async () => {
    let second: ReturnType<typeof open> | undefined
    const first = await closeUnderWay(number => {
      second = open(number)
      second.socket.write(request.slice(0, -1))
    })
    second?.socket.write(request.slice(-1))
    first.finish()
    const started = performance.now()
    await Promise.all([first.closed, first.ended, second?.ended])
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(first.received()).toMatch(/^HTTP\/1\.1 201 /)
    expect(second?.received()).toMatch(/^HTTP\/1\.1 201 /)
  })

  it('answers a request whose header section comes to its end too late with shutting_down', async () => {
    let late: ReturnType<typeof open> | undefined
    const first = await closeUnderWay(number => {
      late = open(number)
      late.socket.write(request.slice(0, 20))
    })
    late?.socket.write(request.slice(20))
    await late?.ended
    first.finish()
    await Promise.all([first.closed, first.ended])
    expect(codeIn(late?.received() ?? '')).toBe('shutting_down')
    expect(late?.received()).toMatch(/\r\nretry-after: \d+\r\n/i)
    expect(first.port.requests).toHaveLength(1)
  })
})
