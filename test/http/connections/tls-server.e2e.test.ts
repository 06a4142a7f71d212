import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import Fastify from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ConnectionLimits } from '../../../src/http/connections/limits.ts'
import { createBoundedServer } from '../../../src/http/connections/server.ts'
import type { HandshakeFailure } from '../../../src/http/connections/tls-server.ts'
import type { PairText } from '../../../src/tls/server-pair.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { type MadePair, makePair } from '../../tls/pairs.ts'

const headersTimeoutMs = 1_500
const largeAnswerBytes = 16 * 1024 * 1024

let directory: TemporaryDirectory
let pair: MadePair
const opened: { close(): unknown }[] = []

async function listen(connectionLimits: Partial<ConnectionLimits> = {}) {
  const followers = new Set<(pair: PairText) => void>()
  const failures: HandshakeFailure[] = []
  const settings = {
    requestTimeoutMs: 5_000,
    headersTimeoutMs,
    keepAliveTimeoutMs: 5_000,
    connectionLimits,
    tls: {
      current: () => pair,
      follow: (take: (pair: PairText) => void) => (followers.add(take), () => void followers.delete(take)),
      onFailure: (failure: HandshakeFailure) => void failures.push(failure)
    }
  }
  const app = Fastify({ serverFactory: handler => createBoundedServer(handler, settings) })
  const close = async () => (app.server.closeAllConnections(), app.close())
  opened.push({ close })
  const large = Buffer.alloc(largeAnswerBytes, 'x')
  app.get('/large', async (_request, reply) => reply.send(large))
  app.get('/small', async () => 'small')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, failures, followers, close }
}

interface Ending {
  readonly isClosed: () => boolean
  readonly closed: Promise<void>
}

function endingOf(socket: Socket): Ending {
  let isClosed = false
  const closed = new Promise<void>(resolve => {
    socket.on('error', () => undefined).on('close', () => ((isClosed = true), resolve()))
  })
  opened.push({ close: () => socket.destroy() })
  return { isClosed: () => isClosed, closed }
}

/** A connection that says nothing. */
async function openSilent(port: number): Promise<Ending & { readonly socket: Socket }> {
  const socket = connect(port, '127.0.0.1')
  const ending = endingOf(socket.resume())
  await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
  return { ...ending, socket }
}

async function openSecure(port: number): Promise<Ending & { readonly socket: TLSSocket }> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: pair.certificatePem })
  const ending = endingOf(socket)
  await new Promise(resolve => socket.once('secureConnect', resolve).once('close', resolve))
  return { ...ending, socket }
}

async function ask(socket: TLSSocket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  return new Promise(resolve => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())))
}

describe('a server over TLS', needs('openssl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    pair = makePair(directory.path, 'localhost')
  })
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close()
  })
  afterAll(() => directory.remove())

  it('answers over it', async () => {
    const { port } = await listen()
    const { socket } = await openSecure(port)
    expect(await ask(socket, '/small')).toMatch(/^HTTP\/1\.1 200/)
  })

  it('cuts a client that says nothing in the handshake, and one that says it slowly', async () => {
    const { port, failures } = await listen()
    const start = performance.now()
    const silent = await openSilent(port)
    const slow = await openSilent(port)
    const octets = Buffer.from('160301020001000000', 'hex')
    let sent = 0
    const trickle = setInterval(() => slow.socket.write(octets.subarray(sent, ++sent)), 250)
    await Promise.all([silent.closed, slow.closed])
    clearInterval(trickle)
    expectWithin(performance.now() - start, 2 * headersTimeoutMs)
    await expect
      .poll(() => failures.map(({ code }) => code))
      .toEqual(['ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT'])
  })

  it('counts connections from before the handshake, and gives them back', async () => {
    const { port } = await listen({ maximumConnectionsPerAddress: 2 })
    const silent = [await openSilent(port), await openSilent(port)]
    const third = await openSecure(port)
    await third.closed
    for (const { socket } of silent) socket.destroy()
    await expect
      .poll(async () => {
        const { socket } = await openSecure(port)
        return socket.authorized
      })
      .toBe(true)
  })

  it('counts them after it as well', async () => {
    const { port } = await listen({ maximumConnections: 2 })
    const held = [await openSecure(port), await openSecure(port)]
    const third = await openSecure(port)
    await third.closed
    expect(held.map(({ isClosed }) => isClosed())).toEqual([false, false])
  })

  it('ends who reads nothing of what is written to them through TLS', async () => {
    const { port } = await listen({ maximumUnreadBytes: largeAnswerBytes / 2 })
    const reader = await openSecure(port)
    const idler = await openSecure(port)
    idler.socket.pause()
    idler.socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n')
    await delay(3_500)
    // The end is behind what lies unread.
    idler.socket.resume()
    await idler.closed
    expect(idler.socket.bytesRead).toBeLessThan(largeAnswerBytes)
    expect(reader.isClosed()).toBe(false)
  })

  it('gives a request in the clear no answer, and tells of it', async () => {
    const { port, failures } = await listen()
    const { socket, closed } = await openSilent(port)
    let text = ''
    socket.on('data', chunk => (text += String(chunk)))
    socket.write('GET /small HTTP/1.1\r\nHost: x\r\n\r\n')
    await closed
    expect(text).not.toContain('HTTP')
    expect(failures).toEqual([{ code: 'ERR_SSL_HTTP_REQUEST', address: '127.0.0.1' }])
  })

  it('does not wait for handshakes when it stops', async () => {
    const { port, close, followers } = await listen()
    await openSilent(port)
    expect(followers.size).toBe(1)
    await delay(100)
    const start = performance.now()
    await close()
    expectWithin(performance.now() - start, headersTimeoutMs - 300)
    expect(followers.size).toBe(0)
  })

  it('shows a new certificate to those that come, and goes on with those that are there', async () => {
    const { port, followers } = await listen()
    const before = await openSecure(port)
    await ask(before.socket, '/small')
    const next = makePair(directory.path, 'next')
    for (const take of followers) take(next)
    const after = connectTls({ port, host: '127.0.0.1', ca: next.certificatePem })
    endingOf(after)
    await new Promise(resolve => after.once('secureConnect', resolve).once('close', resolve))
    expect(after.getPeerCertificate().subject.CN).toBe('next')
    expect(after.getProtocol()).toBe('TLSv1.3')
    expect(await ask(before.socket, '/small')).toMatch(/^HTTP\/1\.1 200/)
  })
})
