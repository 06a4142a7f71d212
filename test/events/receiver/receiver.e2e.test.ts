import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createReceiver, type Outcome } from '../../../src/events/receiver/receiver.ts'
import { parseWebhookSecret } from '../../../src/events/receiver/signature.ts'
import { createTestReceiver, secret, type TestReceiver } from '../test-receiver.ts'

let receiver: TestReceiver
beforeEach(async () => {
  receiver = await createTestReceiver()
})
afterEach(() => receiver[Symbol.asyncDispose]())

interface Options {
  readonly url?: string
  readonly allowsPrivate?: boolean
  readonly lookup?: LookupFunction
}

const open = ({ url = receiver.url, allowsPrivate = true, lookup }: Options = {}) =>
  createReceiver({
    url,
    allowsPrivate,
    ...(lookup && { lookup }),
    key: parseWebhookSecret(secret)!,
    timeoutMs: 2_000,
    version: '0',
    readTime: async () => new Date()
  })
const send = (target: ReturnType<typeof open>): Promise<Outcome> =>
  target.send('message', [{ id: 'event' }], new AbortController().signal)

const named = (name: string) => receiver.url.replace('127.0.0.1', name)

/** A name that leads there, one answer after the other; the last one stays. */
function answering(...answers: readonly (readonly string[])[]) {
  let asked = 0
  const lookup: LookupFunction = (_name, _options, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)]!
    const found = addresses.map((address): LookupAddress => ({
      address,
      family: address.includes(':') ? 6 : 4
    }))
    callback(null, found)
  }
  return Object.assign(lookup, { count: () => asked })
}

const refused = (address: string) => ({
  verdict: 'unreachable',
  detail: expect.stringContaining(` leads to ${address}, `) as string
})

describe('the address of the webhook', () => {
  it('is looked at each time that it connects: a name that turns to another address', async () => {
    const lookup = answering(['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1'])
    const target = open({ url: named('hooks.example'), lookup })
    // Whoever closes the connection makes it connect anew.
    receiver.answer = (_message, response) => void response.writeHead(204, { connection: 'close' }).end()
    expect(await send(target)).toMatchObject({ verdict: 'accepted' })
    expect(await send(target)).toMatchObject(refused('169.254.169.254'))
    expect(await send(target)).toMatchObject({ verdict: 'accepted' })
    expect([receiver.messages.length, lookup.count()]).toEqual([2, 3])
  })

  it('is not asked for again while a connection is kept', async () => {
    const lookup = answering(['127.0.0.1'], ['169.254.169.254'])
    const target = open({ url: named('hooks.example'), lookup })
    for (let i = 0; i < 3; i++) expect(await send(target)).toMatchObject({ verdict: 'accepted' })
    expect(lookup.count()).toBe(1)
  })

  it('may be one of several, of which the others are passed over', async () => {
    const lookup = answering(['169.254.169.254', '::ffff:169.254.169.254', '127.0.0.1'])
    expect(await send(open({ url: named('hooks.example'), lookup }))).toMatchObject({ verdict: 'accepted' })
  })

  it.each([
    ['169.254.169.254', '169.254.169.254'],
    ['0xa9fea9fe', '169.254.169.254'],
    ['2852039166', '169.254.169.254'],
    ['0251.0376.0251.0376', '169.254.169.254'],
    ['[::ffff:169.254.169.254]', '::ffff:a9fe:a9fe'],
    ['[64:ff9b::169.254.169.254]', '64:ff9b::a9fe:a9fe'],
    ['[2002:a9fe:a9fe::1]', '2002:a9fe:a9fe::1'],
    ['[fd00:ec2::254]', 'fd00:ec2::254'],
    ['0', '0.0.0.0'],
    ['[::]', '::'],
    ['255.255.255.255', '255.255.255.255'],
    ['224.0.0.1', '224.0.0.1']
  ])('is refused in the place of a name: %s', async (written, address) => {
    expect(await send(open({ url: `http://${written}:9/` }))).toMatchObject(refused(address))
    expect(await send(open({ url: `https://${written}:9/` }))).toMatchObject(refused(address))
  })

  it.each(['127.0.0.1', '[::ffff:127.0.0.1]', 'localhost'])(
    'is refused on this machine and in private networks where the setting says so: %s',
    async host => {
      const url = named(host)
      expect(await send(open({ url }))).toMatchObject({ verdict: 'accepted' })
      const outcome = await send(open({ url, allowsPrivate: false }))
      expect(outcome).toMatchObject({ verdict: 'unreachable' })
      expect(outcome.detail).toContain('MINTLINE_WEBHOOK_PRIVATE_ADDRESSES')
      expect(receiver.messages).toHaveLength(1)
    }
  )

  it('that nobody knows is told with the code of the resolver', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), '')
    expect(await send(open({ url: named('hooks.example'), lookup }))).toEqual({
      verdict: 'unreachable',
      detail: 'The webhook cannot be reached (ENOTFOUND).'
    })
  })
})

describe('a connection', () => {
  it('that drops after the message left may have brought it', async () => {
    receiver.answer = (_message, response) => void response.destroy()
    expect(await send(open())).toMatchObject({ verdict: 'unavailable' })
  })

  it('that is not made in time brought nothing', async () => {
    const lookup: LookupFunction = () => undefined
    expect(await send(open({ url: named('hooks.example'), lookup }))).toEqual({
      verdict: 'unreachable',
      detail: 'The webhook could not be connected to within 2 seconds.'
    })
  })

  it('is kept after an answer that says something', async () => {
    const ports = new Set<number | undefined>()
    receiver.answer = (_message, response) => {
      ports.add(response.socket?.remotePort)
      response.writeHead(200).end('thank you')
      return undefined
    }
    const target = open()
    for (let i = 0; i < 3; i++) {
      expect(await send(target)).toMatchObject({ verdict: 'accepted' })
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(ports.size).toBe(1)
  })
})
