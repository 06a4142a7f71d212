import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { readSteadily } from '../../../src/http/connections/arrival.ts'
import { createBoundedServer } from '../../../src/http/connections/server.ts'
import { createTestApp } from '../port.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

const requestTimeoutMs = 600
const idleMs = 1_000

/** The service, whose whole requests have little time, with a route beside it that reads what comes steadily. */
async function listen() {
  const { app } = await createTestApp({ headersTimeoutMs: 300, requestTimeoutMs })
  await app.listen({ host: '127.0.0.1', port: 0 })
  opened.push({ close: () => (app.server.closeAllConnections(), app.close()) })
  const sockets: Socket[] = []
  app.server.on('connection', (socket: Socket) => sockets.push(socket))
  const port = (app.server.address() as AddressInfo).port
  return { port, bytesRead: () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0) }
}

async function listenSteadily({ readerMs = 0 } = {}) {
  const settings = { requestTimeoutMs, headersTimeoutMs: 300, keepAliveTimeoutMs: 5_000 }
  const app = Fastify({ serverFactory: handler => createBoundedServer(handler, settings) })
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload))
  app.post('/upload', async (request, reply) => {
    let octets = 0
    try {
      for await (const chunk of readSteadily(request.body as IncomingMessage, idleMs)) {
        octets += chunk.length
        if (readerMs > 0) await delay(readerMs)
      }
    } catch (error) {
      return reply
        .code(408)
        .header('connection', 'close')
        .send({ code: (error as { code: string }).code })
    }
    return { octets }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  opened.push({ close: () => (app.server.closeAllConnections(), app.close()) })
  return (app.server.address() as AddressInfo).port
}

function open(port: number) {
  const socket: Socket = connect(port, '127.0.0.1')
  opened.push({ close: () => socket.destroy() })
  const chunks: string[] = []
  socket.setEncoding('latin1').on('data', chunk => chunks.push(String(chunk)))
  socket.on('error', () => undefined)
  const ended = new Promise<void>(resolve => socket.on('close', () => resolve()))
  return { socket, text: () => chunks.join(''), ended }
}

const uploadHead = (length: number) =>
  `POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${length}\r\n\r\n`

describe('a body that is read steadily', () => {
  it('may take longer than a request may, as long as it comes', async () => {
    const { socket, text } = open(await listenSteadily())
    const line = 'x'.repeat(1_100)
    socket.write(uploadHead(line.length * 12))
    for (let sent = 0; sent < 12; sent++) {
      socket.write(line)
      await delay(100)
    }
    await expect.poll(text).toContain(`{"octets":${12 * line.length}}`)
  })

  it('may be read slowly', async () => {
    const { socket, text } = open(await listenSteadily({ readerMs: 1.2 * idleMs }))
    const body = 'x'.repeat(150_000)
    socket.write(uploadHead(body.length) + body)
    await expect.poll(text, { timeout: 10_000 }).toContain(`{"octets":${body.length}}`)
  })

  it.each([
    ['stops', 0, 0],
    ['comes by the octet', 1, 50]
  ])('ends when it %s', async (_name, octets, everyMs) => {
    const { socket, text } = open(await listenSteadily())
    socket.write(`${uploadHead(100_000)}begun`)
    const trickle = setInterval(() => socket.write('x'.repeat(octets)), everyMs || 10_000)
    opened.push({ close: () => clearInterval(trickle) })
    await expect.poll(text, { timeout: 6_000 }).toMatch(/^HTTP\/1\.1 408 /)
    expect(text()).toContain('request_timeout')
  })
})

const postHead = (length: number) =>
  `POST /v1/issuances HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nContent-Length: ${length}\r\n\r\n`

describe('a body of who is not let in', () => {
  it('is not read where it is large; the answer is, and the connection ends', async () => {
    const { port, bytesRead } = await listen()
    const { socket, text, ended } = open(port)
    const bytes = 8 * 1024 * 1024
    socket.write(postHead(bytes))
    const chunk = Buffer.alloc(64 * 1024)
    for (let written = 0; written < bytes; written += chunk.length) socket.write(chunk)
    await expect.poll(text).toMatch(/^HTTP\/1\.1 401 /)
    expect(text()).toMatch(/\r\nconnection: close\r\n/i)
    await ended
    expect(bytesRead()).toBeLessThan(512 * 1024)
  })

  it('is thrown away where it is small, and the connection serves on', async () => {
    const { socket, text } = open((await listen()).port)
    const body = 'x'.repeat(5_000)
    socket.write(postHead(body.length) + body)
    await expect.poll(text).toMatch(/^HTTP\/1\.1 401 /)
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(text).toMatch(/HTTP\/1\.1 200 /)
  })

  it('and does not come, ends with the time for a request', async () => {
    const { socket, text, ended } = open((await listen()).port)
    socket.write(postHead(5_000))
    await expect.poll(text).toMatch(/^HTTP\/1\.1 401 /)
    await ended
    expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
  })
})
