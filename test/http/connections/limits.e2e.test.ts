import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import type { ConnectionLimits } from '../../../src/http/connections/limits.ts'
import { createBoundedServer } from '../../../src/http/connections/server.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close()
})

/** More than what the sockets of both ends hold between them. */
const largeAnswerBytes = 16 * 1024 * 1024

/** The large answer takes 2.6 s. */
const slowBytesPerMs = largeAnswerBytes / 2_600

/** A service with a large answer, and a count of the requests it has begun. */
async function listen(connectionLimits: Partial<ConnectionLimits> = {}) {
  const settings = {
    requestTimeoutMs: 5_000,
    headersTimeoutMs: 1_000,
    keepAliveTimeoutMs: 5_000,
    connectionLimits
  }
  const app = Fastify({ serverFactory: handler => createBoundedServer(handler, settings) })
  opened.push({ close: () => (app.server.closeAllConnections(), app.close()) })
  let begun = 0
  const large = Buffer.alloc(largeAnswerBytes, 'x')
  app.get('/large', async (_request, reply) => {
    begun++
    return reply.send(large)
  })
  app.get('/small', async () => {
    begun++
    return `small ${begun}`
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { number: (app.server.address() as AddressInfo).port, begun: () => begun }
}

interface Client {
  readonly socket: Socket
  readonly text: () => string
  readonly ended: Promise<void>
  readonly isOpen: () => boolean
}

/** A client that reads nothing until it is resumed. */
async function open(number: number): Promise<Client> {
  const socket = connect(number, '127.0.0.1').pause()
  opened.push({ close: () => socket.destroy() })
  const chunks: string[] = []
  let isOpen = true
  socket.setEncoding('latin1').on('data', chunk => chunks.push(String(chunk)))
  socket.pause()
  const ended = new Promise<void>(resolve => {
    socket.on('error', () => undefined).on('close', () => resolve())
  })
  void ended.then(() => (isOpen = false))
  await new Promise(resolve => socket.once('connect', resolve))
  return { socket, text: () => chunks.join(''), ended, isOpen: () => isOpen }
}

const ask = (path: string, times = 1) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(times)

async function until(condition: () => boolean, withinMs = 5_000): Promise<void> {
  for (let waitedMs = 0; waitedMs < withinMs && !condition(); waitedMs += 25) await delay(25)
  expect(condition()).toBe(true)
}

describe('requests that come down one connection before their answers went', () => {
  it('are answered one after the other, in order', async () => {
    const { number } = await listen()
    const client = await open(number)
    client.socket.write(ask('/small', 5))
    client.socket.resume()
    await until(() => client.text().includes('small 5'))
    expect(client.text().match(/small \d/g)).toEqual(['small 1', 'small 2', 'small 3', 'small 4', 'small 5'])
  })

  it('are not begun while the answer before them is not read', async () => {
    const { number, begun } = await listen()
    const client = await open(number)
    client.socket.write(ask('/large', 10))
    await until(() => begun() === 1)
    await delay(200)
    expect(begun()).toBe(1)
    client.socket.resume()
    await until(() => begun() === 10)
  })

  it('end the connection where there are too many of them', async () => {
    const { number, begun } = await listen({ maximumPipelined: 4 })
    const client = await open(number)
    client.socket.write(ask('/large', 6))
    client.socket.resume()
    await client.ended
    expect(begun()).toBeLessThanOrEqual(1)
  })
})

describe('a client that does not read its answer', () => {
  it('is let go after the time without progress', async () => {
    const { number } = await listen({ progressTimeoutMs: 300 })
    const client = await open(number)
    client.socket.write(ask('/large'))
    await delay(1_500)
    client.socket.resume()
    await client.ended
    expect(client.text().length).toBeLessThan(largeAnswerBytes)
  })

  it('but reads slowly, is not', async () => {
    const { number } = await listen({ progressTimeoutMs: 1_500 })
    const client = await open(number)
    client.socket.write(ask('/large'))
    const { socket } = client
    const start = performance.now()
    let read = 0
    // By the clock, so that it reads no slower where timers are late.
    socket.on('data', chunk => {
      read += chunk.length
      const earlyMs = read / slowBytesPerMs - (performance.now() - start)
      if (earlyMs <= 0) return
      socket.pause()
      setTimeout(() => socket.resume(), earlyMs)
    })
    socket.resume()
    await until(() => read > largeAnswerBytes || !client.isOpen(), 20_000)
    expect(client.isOpen()).toBe(true)
    expect(performance.now() - start).toBeGreaterThan(1_500)
  })

  it('is let go when what waits for all of them is too much', async () => {
    const { number } = await listen({ maximumUnreadBytes: 1.5 * largeAnswerBytes })
    const clients = await Promise.all([1, 2, 3].map(() => open(number)))
    for (const { socket } of clients) socket.write(ask('/large'))
    await delay(3_500)
    for (const { socket } of clients) socket.resume()
    await until(() => clients.every(({ isOpen, text }) => !isOpen() || text().length > largeAnswerBytes))
    expect(clients.filter(({ isOpen }) => isOpen())).toHaveLength(1)
  })
})

describe('connections', () => {
  it.each([
    ['in all', { maximumConnections: 2 }],
    ['from one address', { maximumConnectionsPerAddress: 2 }]
  ])('beyond the limit %s are told to come back', async (_name, limits) => {
    const { number } = await listen(limits)
    const first = await open(number)
    await open(number)
    const third = await open(number)
    third.socket.resume()
    await third.ended
    expect(third.text()).toMatch(/^HTTP\/1\.1 503 /)
    expect(third.text()).toMatch(/\r\nRetry-After: \d+\r\n/)
    expect(third.text()).toContain('"code":"overloaded"')
    first.socket.destroy()
    await first.ended
    await delay(50)
    const fourth = await open(number)
    fourth.socket.write(ask('/small'))
    fourth.socket.resume()
    await until(() => fourth.text().includes('small 1'))
  })
})
