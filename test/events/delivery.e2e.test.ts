import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildAuditEvent } from '../../src/audit/audit-event.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { createDelivery } from '../../src/events/delivery.ts'
import { createOutboxStore, type OutboxStore } from '../../src/events/outbox-store.ts'
import { createReceiver } from '../../src/events/receiver/receiver.ts'
import { parseWebhookSecret } from '../../src/events/receiver/signature.ts'
import { createSetAsideStore, type SetAsideStore } from '../../src/events/set-aside-store.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { builtChild } from '../support/program/program.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { reject, subscribe } from './owed.ts'
import { createTestReceiver, type Message, secret, type TestReceiver } from './test-receiver.ts'

let test: TestDatabase
let outbox: OutboxStore
let setAside: SetAsideStore
let receiver: TestReceiver
/** How far the clock of the service is off. */
let offsetMs = 0

beforeAll(async () => {
  test = await createTestDatabase()
  outbox = createOutboxStore(test.database)
  setAside = createSetAsideStore(test.database)
  await subscribe(test.database)
})
afterAll(() => test.drop())
beforeEach(async () => {
  offsetMs = 0
  receiver = await createTestReceiver()
})
afterEach(async () => {
  await receiver[Symbol.asyncDispose]()
  await test.database.prisma.outgoingEvent.deleteMany()
  await test.owner.prisma.webhookDelivery.deleteMany()
})

const running = new AbortController().signal
const owe = (count: number, requestIdOf?: (index: number) => string) =>
  reject(test.database, count, requestIdOf)
const waiting = async () => (await outbox.backlog()).waiting

function deliver(
  signal = running,
  url = receiver.url,
  { timeoutMs = 400, readTime = async () => new Date() } = {}
): Promise<void> {
  const clock = () => new Date(Date.now() + offsetMs)
  const key = parseWebhookSecret(secret)!
  const target = createReceiver({ url, allowsPrivate: true, key, timeoutMs, version: '0', readTime })
  return createDelivery({ outbox, receiver: target, clock, randomBytes: createRandomSource() })(signal)
}

/** As if so much time had gone by for what is postponed. */
const letPass = (milliseconds: number) =>
  test.database.prisma.$executeRaw`
    UPDATE outgoing_event SET due_at = due_at - ${milliseconds}::float8 * interval '1 millisecond'`

const idsOf = (events: Message['events']) => events.map(({ id }) => id)
const isPoisoned = ({ body }: Message) => body.includes('poison')
const failed = { code: 'webhook_failed' }
const act = () =>
  buildAuditEvent(
    { actor: 'admin/test', act: 'event.deliver', subject: 'event/any' },
    { time: new Date(), randomBytes: createRandomSource() }
  )

describe('delivery', () => {
  it('sends batches in the order of the records and strikes them out', async () => {
    const ids = await owe(250)
    await deliver()
    expect(receiver.messages.map(({ events }) => events.length)).toEqual([100, 100, 50])
    expect(idsOf(receiver.taken)).toEqual(ids)
    expect(receiver.messages[0]?.contentType).toBe('application/cloudevents-batch+json; charset=utf-8')
    expect(await waiting()).toBe(0)
  })

  it('empties a backlog of 10,000, each event once', async () => {
    const ids = await owe(10_000)
    await deliver()
    expect(idsOf(receiver.taken)).toEqual(ids)
    expect(await waiting()).toBe(0)
  })

  it.each([408, 429, 301, 307, 401, 403, 404, 410, 502, 503, 504])(
    'keeps everything when the receiver answers %i, and sends the same message again',
    async status => {
      await owe(120)
      receiver.answer = () => status
      await expect(deliver()).rejects.toMatchObject(failed)
      await owe(5)
      await expect(deliver()).rejects.toMatchObject(failed)
      expect(receiver.messages).toHaveLength(2)
      const [first, second] = receiver.messages
      expect(second).toEqual(first)
      expect(await outbox.backlog()).toMatchObject({ waiting: 125, refused: 0 })
      receiver.answer = () => 200
      await deliver()
      expect(receiver.messages[2]).toEqual(first)
      expect(receiver.taken).toHaveLength(125)
    }
  )

  it('keeps everything when nobody listens, or nobody answers in time', async () => {
    await owe(3)
    await expect(deliver(running, 'http://127.0.0.1:1/')).rejects.toMatchObject(failed)
    receiver.answer = () => undefined
    await expect(deliver()).rejects.toMatchObject(failed)
    expect(receiver.messages).toHaveLength(1)
    expect(await waiting()).toBe(3)
  })

  it('does not go where the receiver points', async () => {
    await using elsewhere = await createTestReceiver()
    await owe(1)
    receiver.answer = (_message, response) => {
      response.writeHead(307, { location: elsewhere.url }).end()
      return undefined
    }
    await expect(deliver()).rejects.toMatchObject(failed)
    expect(elsewhere.messages).toEqual([])
  })

  it('does not read an answer without end', async () => {
    await owe(1)
    const hungUp = Promise.withResolvers<void>()
    receiver.answer = (_message, response) => {
      response.writeHead(200)
      const pour = setInterval(() => response.write('x'.repeat(65_536)), 1)
      response.on('close', () => (clearInterval(pour), hungUp.resolve()))
      return undefined
    }
    await deliver()
    await hungUp.promise
    expect(await waiting()).toBe(0)
  })

  it.each([400, 422, 500])('lets no event that gets %i hold up the others', async status => {
    const ids = await owe(150, index => (index === 42 || index === 43 ? 'poison' : 'fine'))
    receiver.answer = message => (isPoisoned(message) ? status : 204)
    await deliver()
    const poisoned = [ids[42]!, ids[43]!]
    expect(idsOf(receiver.taken)).toEqual(ids.filter(id => !poisoned.includes(id)))
    expect(await outbox.backlog()).toMatchObject({ waiting: 2, refused: 2 })

    // New ones go out as a batch; the refused keep their pause.
    const before = receiver.messages.length
    await owe(3)
    await deliver()
    expect(receiver.messages.slice(before).map(({ events }) => events.length)).toEqual([3])

    await letPass(31_000)
    await deliver()
    expect(await outbox.backlog()).toMatchObject({ waiting: 2, refused: 2 })
    receiver.answer = () => 204
    await deliver()
    expect(await waiting()).toBe(2)
    await letPass(5 * 60_000)
    await deliver()
    expect(idsOf(receiver.taken).slice(-2).sort()).toEqual(poisoned.sort())
    expect(await waiting()).toBe(0)
  })

  it.each([3_600_000, -3_600_000])(
    'tries what was refused again in its time, with a clock that was off by %i ms',
    async offset => {
      receiver.answer = message => (isPoisoned(message) ? 422 : 204)
      const ids = await owe(2, index => (index === 0 ? 'poison' : 'fine'))
      offsetMs = offset
      await deliver()
      offsetMs = 0
      const before = receiver.messages.length
      await deliver()
      expect(receiver.messages.length).toBe(before)
      await letPass(31_000)
      receiver.answer = () => 204
      offsetMs = offset
      await deliver()
      expect(idsOf(receiver.taken)).toContain(ids[0])
      expect(await waiting()).toBe(0)
    }
  )

  it('tries again what a clock that was far ahead had put off', async () => {
    receiver.answer = message => (isPoisoned(message) ? 422 : 204)
    const ids = await owe(2, index => (index === 0 ? 'poison' : 'fine'))
    await deliver()
    await letPass(-30 * 86_400_000)
    receiver.answer = () => 204
    await deliver()
    expect(idsOf(receiver.taken)).toContain(ids[0])
  })

  it('lets an event that came alone and gets 500 hold up none that comes later', async () => {
    await owe(1, () => 'poison')
    receiver.answer = message => (isPoisoned(message) ? 500 : 204)
    await expect(deliver()).rejects.toMatchObject(failed)
    await expect(deliver()).rejects.toMatchObject(failed)
    const ids = await owe(2)
    await deliver()
    expect(idsOf(receiver.taken)).toEqual(ids)
    expect(await outbox.backlog()).toMatchObject({ waiting: 1, refused: 1 })
  })

  describe.each<[string, TestReceiver['answer']]>([
    ['502', () => 502],
    ['404', () => 404],
    ['a dropped connection', (_message, response) => void response.destroy()]
  ])('an event that gets %s', (_name, answerPoisoned) => {
    const answer: TestReceiver['answer'] = (message, response) =>
      isPoisoned(message) ? answerPoisoned(message, response) : 204
    /** Ids of the same millisecond are in the order of their random part. */
    const newestFirst = (ids: readonly string[]) => ids.toSorted().toReversed()
    const listSetAside = async () => (await setAside.list({ limit: 200 })).map(({ id }) => id)

    it('is set aside after three failures of its batch, and can be sent again', async () => {
      const ids = await owe(150, index => (index === 42 || index === 43 ? 'poison' : 'fine'))
      receiver.answer = answer
      await expect(deliver()).rejects.toMatchObject(failed)
      await expect(deliver()).rejects.toMatchObject(failed)
      expect(receiver.taken).toEqual([])
      await deliver()
      const poisoned = [ids[42]!, ids[43]!]
      expect(idsOf(receiver.taken)).toEqual(ids.filter(id => !poisoned.includes(id)))
      expect(await listSetAside()).toEqual(newestFirst(poisoned))
      expect(await outbox.backlog()).toMatchObject({ waiting: 2, refused: 2 })
      expect((await outbox.readState()).oldestOwedAt).toBeUndefined()
      const [newest, older] = newestFirst(poisoned)
      expect(await setAside.list({ limit: 1, cursor: newest! })).toMatchObject([{ id: older }])
      receiver.answer = () => 204
      expect(await setAside.hastenOne(ids[43]!, act())).toMatchObject({ id: ids[43], failures: 1 })
      await deliver()
      expect(idsOf(receiver.taken).at(-1)).toBe(ids[43])
      expect(await listSetAside()).toEqual([ids[42]])
      expect(await setAside.hastenOne(ids[43]!, act())).toBeUndefined()
    })

    it('that came alone holds up none that comes later', async () => {
      receiver.answer = answer
      const [poisoned] = await owe(1, () => 'poison')
      for (let tries = 0; tries < 4; tries += 1) await expect(deliver()).rejects.toMatchObject(failed)
      expect(await listSetAside()).toEqual([])
      const ids = await owe(2)
      await deliver()
      expect(idsOf(receiver.taken)).toEqual(ids)
      expect(await listSetAside()).toEqual([poisoned])
    })

    it('holds up none, however many of its kind are at the head of the line', async () => {
      receiver.answer = answer
      const ids = await owe(20, index => (index < 8 ? 'poison' : 'fine'))
      for (let tries = 0; tries < 4; tries += 1) await expect(deliver()).rejects.toMatchObject(failed)
      await deliver()
      expect(idsOf(receiver.taken)).toEqual(ids.slice(8))
      expect(await listSetAside()).toEqual(newestFirst(ids.slice(0, 8)))
    })
  })

  it('blames no event while the receiver is away, and asks it little', async () => {
    const ids = await owe(50)
    receiver.answer = () => 502
    for (let tries = 0; tries < 8; tries += 1) await expect(deliver()).rejects.toMatchObject(failed)
    expect(await outbox.backlog()).toMatchObject({ waiting: 50, refused: 0 })
    expect(receiver.messages).toHaveLength(2 + 6 * 4)
    receiver.answer = () => 204
    await deliver()
    expect(idsOf(receiver.taken)).toEqual(ids)
    expect(receiver.messages.at(-1)).toEqual(receiver.messages[0])
  })

  it('blames no event when the receiver goes away while they are sent one by one', async () => {
    const ids = await owe(50)
    receiver.answer = () => 502
    for (let tries = 0; tries < 2; tries += 1) await expect(deliver()).rejects.toMatchObject(failed)
    receiver.answer = ({ events }) => (events.length === 1 && receiver.taken.length < 5 ? 204 : 502)
    await expect(deliver()).rejects.toMatchObject(failed)
    expect(await outbox.backlog()).toMatchObject({ waiting: 45, refused: 0 })
    receiver.answer = () => 204
    await deliver()
    expect(idsOf(receiver.taken)).toEqual(ids)
  })

  it('blames no event when the receiver fails at all of them', async () => {
    await owe(20)
    receiver.answer = () => 500
    await expect(deliver()).rejects.toMatchObject(failed)
    expect(await outbox.backlog()).toMatchObject({ waiting: 20, refused: 0 })
    const [first] = receiver.messages
    receiver.answer = () => 204
    const before = receiver.messages.length
    await deliver()
    expect(receiver.messages.slice(before)).toEqual([first])
  })

  it('gets everything to a receiver that fails at every other message', async () => {
    const ids = await owe(1_000)
    let count = 0
    receiver.answer = () => (count++ % 2 === 0 ? 500 : 204)
    await deliver()
    expect(idsOf(receiver.taken).sort()).toEqual([...ids].sort())
    expect(await waiting()).toBe(0)
  })

  it('stops between two messages when it is told to', async () => {
    await owe(300)
    const stopping = new AbortController()
    receiver.answer = () => (stopping.abort(), 204)
    await deliver(stopping.signal)
    expect([receiver.taken.length, await waiting()]).toEqual([100, 200])
  })

  it('does not wait for a receiver that stalls when it is told to stop, and owes the batch on', async () => {
    await owe(3)
    const stopping = new AbortController()
    receiver.answer = () => void stopping.abort()
    const begin = performance.now()
    await deliver(stopping.signal, receiver.url, { timeoutMs: 20_000 })
    expect(performance.now() - begin).toBeLessThan(6_000)
    receiver.answer = () => 204
    await deliver()
    expect(receiver.messages.map(({ id }) => id)).toEqual(Array(2).fill(receiver.messages[0]?.id))
    expect(await waiting()).toBe(0)
  })

  describe.each<[string, (id: string) => Promise<unknown>]>([
    [
      'whose record is not there',
      // As detaching the month of the record does.
      id =>
        test.owner.prisma
          .$executeRaw`UPDATE outgoing_event SET record_id = gen_random_uuid() WHERE record_id = ${id}::uuid`
    ],
    [
      'of a type that a newer version owes',
      async id => {
        await test.owner.prisma
          .$executeRaw`ALTER TABLE outgoing_event DROP CONSTRAINT IF EXISTS outgoing_event_type_check`
        await test.owner.prisma
          .$executeRaw`UPDATE outgoing_event SET type = 'mintline.of.tomorrow' WHERE record_id = ${id}::uuid`
      }
    ]
  ])('an event %s', (_name, hide) => {
    it('is set aside and holds up no other, in line or due', async () => {
      const ids = await owe(150)
      await hide(ids[42]!)
      await deliver()
      expect(idsOf(receiver.taken)).toEqual(ids.filter(id => id !== ids[42]))
      const [aside] = await setAside.list({ limit: 2 })
      expect(aside).toMatchObject({ failures: 1, lastError: expect.any(String) as string })
      expect((await outbox.readState()).lastError?.detail).toContain(aside!.lastError)
      // It is due, and before another one that can be sent.
      receiver.answer = message => (isPoisoned(message) ? 422 : 204)
      const [later] = await owe(1, () => 'poison')
      await deliver()
      receiver.answer = () => 204
      await letPass(31_000)
      await deliver()
      expect(idsOf(receiver.taken).at(-1)).toBe(later)
      expect(await setAside.list({ limit: 2 })).toMatchObject([{ id: aside!.id, failures: 2 }])
    })

    it('hides no error of the receiver, and is none of those in line', async () => {
      const [id] = await owe(1)
      receiver.answer = () => 503
      await deliver().catch(() => undefined)
      const { lastError } = await outbox.readState()
      expect(lastError?.detail).toContain('503')
      await hide(id!)
      await deliver()
      expect(await outbox.backlog()).toMatchObject({ refused: 1, oldestOwedAt: undefined })
      expect((await outbox.readState()).lastError).toEqual(lastError)
    })
  })

  it('sends an event whose record was detached once it is attached again', async () => {
    const [id] = await owe(1)
    const { prisma } = test.owner
    const [{ name }] = await prisma.$queryRaw<[{ name: string }]>`
      SELECT tableoid::regclass::text AS name FROM refusal WHERE id = ${id}::uuid`
    const [{ bounds }] = await prisma.$queryRaw<[{ bounds: string }]>`
      SELECT pg_get_expr(relpartbound, oid) AS bounds FROM pg_class WHERE oid = ${name}::regclass`
    await prisma.$executeRawUnsafe(`ALTER TABLE refusal DETACH PARTITION ${name}`)
    await deliver()
    expect(await outbox.backlog()).toMatchObject({ waiting: 1, refused: 1 })
    await prisma.$executeRawUnsafe(`ALTER TABLE refusal ATTACH PARTITION ${name} ${bounds}`)
    await letPass(31_000)
    await deliver()
    expect(idsOf(receiver.taken)).toEqual([id])
  })

  it('does not lay it to the receiver when the database is away', async () => {
    await owe(1)
    const away = new MintlineError('database_unavailable', 'away')
    const readTime = () => Promise.reject(away)
    await expect(deliver(running, receiver.url, { readTime })).rejects.toBe(away)
    expect((await outbox.readState()).lastError).toBeUndefined()
    expect(receiver.messages).toEqual([])
  })

  it('loses nothing to kill -9 in the middle, and sends again under the same id', async () => {
    const ids = await owe(1_000)
    const file = builtChild(new URL('delivery-child.ts', import.meta.url))
    const child = spawn(process.execPath, [file, test.connectionString, receiver.url, secret], {
      stdio: ['ignore', 'inherit', 'inherit']
    })
    receiver.answer = message => {
      if (receiver.messages.length < 4) return 204
      // Taken, but the sender dies before it can know.
      child.kill('SIGKILL')
      receiver.taken.push(...message.events)
      return undefined
    }
    await once(child, 'close')
    expect(child.signalCode).toBe('SIGKILL')
    const unanswered = receiver.messages.at(-1)!
    receiver.answer = () => 204
    await deliver()
    expect(receiver.messages[4]).toEqual(unanswered)
    expect(receiver.taken).toHaveLength(1_100)
    expect([...new Set(idsOf(receiver.taken))]).toEqual(ids)
  })
})
