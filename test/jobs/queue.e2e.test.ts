import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it as withinTests, vi } from 'vitest'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { createJobQueue, type JobHandlers, type JobService } from '../../src/jobs/queue.ts'
import { prepareJobSchema } from '../../src/jobs/schema.ts'
import { startTestPostgres } from '../support/postgres/test-postgres.ts'
import { builtChild } from '../support/program/program.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const reconcile = 'aws-registration.reconcile'
const check = 'aws-registration.check'
const ofRegistration = (registrationId: string) => [{ registrationId }, { key: registrationId }] as const

const it = withinTests.extend<{ own: TestDatabase }>({
  async own({ onTestFinished }, use) {
    const database = await createTestDatabase()
    onTestFinished(() => database.drop())
    await use(database)
  }
})

const open = (
  { connectionString }: Pick<TestDatabase, 'connectionString'>,
  handlers: JobHandlers,
  { isScheduled = false } = {}
): Promise<JobService> =>
  createJobQueue({
    connectionString,
    work: {
      handlers: () => handlers,
      schedules: isScheduled ? { 'aws-registration.sweep': '* * * * *' } : {}
    },
    log: silentLog,
    stopTimeoutMs: 2_000,
    supervisionIntervalSeconds: 1
  })

async function withQueue(
  database: TestDatabase,
  handlers: JobHandlers,
  work: (queue: JobService) => Promise<void>
): Promise<void> {
  const queue = await open(database, handlers)
  try {
    await work(queue)
  } finally {
    await queue.close()
  }
}

const states = async (queue: JobService) =>
  (await queue.list({ limit: 50 })).items.map(({ key, state }) => [key, state])

/** Until it holds; the test's own time limit ends the wait. */
const until = (assertion: () => unknown) => vi.waitFor(assertion, { timeout: 12_000, interval: 50 })

describe.concurrent('a job', () => {
  it('runs once, with its data', async ({ own }) => {
    const seen: unknown[] = []
    await withQueue(own, { [reconcile]: async data => void seen.push(data) }, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await until(async () => expect(await states(queue)).toEqual([['r1', 'done']]))
      expect(seen).toEqual([{ registrationId: 'r1' }])
    })
  })

  it('that was put off by a clock that was far ahead is taken up, while a worker runs and after a start', async ({
    own
  }) => {
    const seen: unknown[] = []
    const putOff = () => own.owner.prisma.$executeRaw`
      UPDATE pgboss.job SET start_after = now() + interval '30 days' WHERE state IN ('created', 'retry')`
    await withQueue(own, {}, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await putOff()
    })
    await withQueue(own, { [reconcile]: async data => void seen.push(data) }, async queue => {
      await until(async () => expect(await states(queue)).toEqual([['r1', 'done']]))
      await queue.send(check, ...ofRegistration('r2'))
      await putOff()
    })
    await withQueue(own, {}, async queue => {
      await queue.send(check, ...ofRegistration('r3'))
      await putOff()
      await until(async () => {
        const { items } = await queue.list({ limit: 50, state: 'waiting' })
        for (const { nextTryAt } of items) expect(nextTryAt!.getTime()).toBeLessThan(Date.now() + 60_000)
      })
    })
    expect(seen).toEqual([{ registrationId: 'r1' }])
  })

  it('waits once for each key, however often it is sent at the same time', async ({ own }) => {
    await withQueue(own, {}, async queue => {
      await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          queue.send(reconcile, ...ofRegistration(index % 2 === 0 ? 'even' : 'odd'))
        )
      )
      await Promise.all(Array.from({ length: 10 }, () => queue.send('webhook.deliver', {})))
      const waiting = await states(queue)
      expect(waiting).toHaveLength(3)
      for (const key of ['even', 'odd', undefined]) expect(waiting).toContainEqual([key, 'waiting'])
    })
  })

  it('that is sent while it runs follows, and never runs twice at once', async ({ own }) => {
    const gate = Promise.withResolvers<void>()
    let running = 0
    let most = 0
    let runs = 0
    const handle = async () => {
      most = Math.max(most, ++running)
      runs++
      await gate.promise
      running--
    }
    const second = await open(own, { [reconcile]: handle })
    await withQueue(own, { [reconcile]: handle }, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await until(() => expect(running).toBe(1))
      await Promise.all([1, 2, 3].map(() => queue.send(reconcile, ...ofRegistration('r1'))))
      await delay(2_300)
      expect((await states(queue)).sort()).toEqual([
        ['r1', 'running'],
        ['r1', 'waiting']
      ])
      gate.resolve()
      await until(() => expect(runs).toBe(2))
      expect(most).toBe(1)
    })
    await second.close()
  })

  it('that takes long holds up none of another key', async ({ own }) => {
    const gate = Promise.withResolvers<void>()
    const handle = ({ registrationId }: { registrationId: string }) =>
      registrationId === 'slow' ? gate.promise : Promise.resolve()
    await withQueue(own, { [reconcile]: handle }, async queue => {
      await queue.send(reconcile, ...ofRegistration('slow'))
      await until(async () => expect(await states(queue)).toEqual([['slow', 'running']]))
      await queue.send(reconcile, ...ofRegistration('quick'))
      await until(async () => expect(await states(queue)).toContainEqual(['quick', 'done']))
      expect(await states(queue)).toContainEqual(['slow', 'running'])
      gate.resolve()
    })
  })

  it('that fails is tried later, and keeps its pause unless it is sent for now', async ({ own }) => {
    let tries = 0
    const handle = async () => {
      if (++tries === 1) throw new MintlineError('signer_unavailable', 'The key does not answer.')
    }
    await withQueue(own, { [reconcile]: handle }, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await until(async () => expect(await states(queue)).toEqual([['r1', 'retrying']]))
      const [job] = (await queue.list({ limit: 1 })).items
      expect(job).toMatchObject({
        attempts: 1,
        lastError: { code: 'signer_unavailable', detail: 'The key does not answer.' }
      })
      const pauseMs = job!.nextTryAt!.getTime() - Date.now()
      expect(pauseMs).toBeGreaterThan(3_000)
      expect(pauseMs).toBeLessThan(11_000)
      await queue.send(reconcile, ...ofRegistration('r1'))
      await delay(200)
      expect([tries, await states(queue)]).toEqual([1, [['r1', 'retrying']]])
      await queue.send(reconcile, { registrationId: 'r1' }, { key: 'r1', now: true })
      await until(async () => expect(await states(queue)).toEqual([['r1', 'done']]))
      expect(await queue.find(job!.id)).toMatchObject({ attempts: 2, lastError: undefined })
    })
  })

  it('pauses no longer than a quarter of an hour', async ({ own }) => {
    const fail = async () => {
      throw new Error('always')
    }
    await withQueue(own, { [reconcile]: fail }, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await until(async () => expect(await states(queue)).toEqual([['r1', 'retrying']]))
      await own.database.prisma.$executeRawUnsafe('UPDATE pgboss.job SET retry_count = 40')
      await queue.send(reconcile, { registrationId: 'r1' }, { key: 'r1', now: true })
      await until(async () => expect((await queue.list({ limit: 1 })).items[0]!.attempts).toBe(42))
      await until(async () => expect(await states(queue)).toEqual([['r1', 'retrying']]))
      const pauseMs = (await queue.list({ limit: 1 })).items[0]!.nextTryAt!.getTime() - Date.now()
      expect(pauseMs).toBeGreaterThan(800_000)
      expect(pauseMs).toBeLessThan(901_000)
    })
  })

  it('that used up its tries stays on show as failed, without what an unexpected error said', async ({
    own
  }) => {
    const fail = async () => {
      throw new Error('word-nobody-knows', { cause: new Error('word-nobody-knows') })
    }
    await withQueue(own, { 'aws-registration.sweep': fail }, async queue => {
      await queue.send('aws-registration.sweep', {})
      await until(async () => expect(await states(queue)).toEqual([[undefined, 'failed']]))
      const { items } = await queue.list({ limit: 1, state: 'failed' })
      expect(items[0]).toMatchObject({ attempts: 1, lastError: { code: 'internal_error' } })
      expect((await queue.count()).get('aws-registration.sweep')).toMatchObject({ waiting: 0, failed: 1 })
      const stored = await own.database.prisma.$queryRawUnsafe('SELECT * FROM pgboss.job')
      expect(JSON.stringify(stored)).not.toContain('word-nobody-knows')
    })
  })
})

describe.concurrent('the list of jobs', () => {
  it('is cut into pages, newest first, and chosen from by kind and state', async ({ own }) => {
    await withQueue(own, {}, async queue => {
      for (const key of ['a', 'b', 'c']) await queue.send(reconcile, ...ofRegistration(key))
      await queue.send(check, ...ofRegistration('d'))
      const first = await queue.list({ limit: 3 })
      expect(first.items.map(({ key }) => key)).toEqual(['d', 'c', 'b'])
      const second = await queue.list({ limit: 3, after: first.nextCursor! })
      expect(second.items.map(({ key }) => key)).toEqual(['a'])
      expect(second.nextCursor).toBeUndefined()
      expect((await queue.list({ limit: 9, kind: check })).items.map(({ key }) => key)).toEqual(['d'])
      expect((await queue.list({ limit: 9, state: 'done' })).items).toEqual([])
      const unknown = '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11'
      await expect(queue.find(unknown)).rejects.toMatchObject({ code: 'job_not_found' })
      const next = queue.list({ limit: 1, after: unknown })
      await expect(next).rejects.toMatchObject({ code: 'job_not_found' })
    })
  })
})

describe.concurrent('a process', () => {
  it('that is killed loses its job to another', async ({ own }) => {
    await withQueue(own, {}, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      const file = builtChild(new URL('worker-child.ts', import.meta.url))
      const child = spawn(process.execPath, [file, own.connectionString], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      let said = ''
      child.stdout.on('data', chunk => (said += String(chunk)))
      await until(() => expect(said).toContain('begun r1'))
      child.kill('SIGKILL')
      await once(child, 'close')
      expect(await states(queue)).toEqual([['r1', 'running']])

      // As if the time had passed after which it is missed.
      await own.database.prisma.$executeRawUnsafe(
        "UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '31 s' WHERE state = 'active'"
      )
      await until(async () => expect(await states(queue)).toEqual([['r1', 'retrying']]))
      expect((await queue.list({ limit: 1 })).items[0]!.lastError?.code).toBe('job_interrupted')
      const seen: unknown[] = []
      const other = await open(own, { [reconcile]: async data => void seen.push(data) })
      await other.send(reconcile, { registrationId: 'r1' }, { key: 'r1', now: true })
      await until(async () => expect(await states(queue)).toEqual([['r1', 'done']]))
      expect(seen).toEqual([{ registrationId: 'r1' }])
      await other.close()
    })
  })

  it('whose last sign of life is of a clock that was far ahead loses its job to another all the same', async ({
    own
  }) => {
    await withQueue(own, {}, async queue => queue.send(reconcile, ...ofRegistration('r1')))
    await own.database.prisma.$executeRawUnsafe(
      `UPDATE pgboss.job SET state = 'active', heartbeat_seconds = 1,
         started_on = now() + interval '30 days', heartbeat_on = now() + interval '30 days'`
    )
    await withQueue(own, {}, async queue => {
      await until(async () => expect(await states(queue)).toEqual([['r1', 'retrying']]))
    })
  })

  it('that knows that it is alone begins anew at once what a dead one had in hand', async ({ own }) => {
    await withQueue(own, {}, async queue => {
      await queue.send(reconcile, ...ofRegistration('r1'))
      await queue.send('aws-registration.sweep', {})
      await own.database.prisma.$executeRawUnsafe(
        "UPDATE pgboss.job SET state = 'active', started_on = now()"
      )
      const seen: unknown[] = []
      const work = {
        handlers: () => ({
          [reconcile]: async (data: object) => void seen.push(data),
          'aws-registration.sweep': async (data: object) => void seen.push(data)
        }),
        schedules: {},
        isAlone: true
      }
      const { connectionString } = own
      const other = await createJobQueue({ connectionString, work, log: silentLog, stopTimeoutMs: 2_000 })
      await vi.waitFor(() => expect(seen).toHaveLength(2), 2_000)
      expect(seen).toContainEqual({ registrationId: 'r1' })
      const { items } = await queue.list({ limit: 9, kind: reconcile })
      expect(items).toMatchObject([{ key: 'r1', attempts: 2 }])
      await other.close()
    })
  })

  it('that stops tells its jobs so, and waits for them', async ({ own }) => {
    let ended = false
    const queue = await open(own, {
      async [reconcile](_data, signal) {
        if (!signal.aborted) await once(signal, 'abort')
        await delay(300)
        ended = true
      }
    })
    await queue.send(reconcile, ...ofRegistration('r1'))
    await until(async () => expect(await states(queue)).toEqual([['r1', 'running']]))
    await queue.close()
    expect(ended).toBe(true)
    await expectState(own, ['r1', 'done'])
  })

  it('that stops does not wait for ever, and leaves the job to the next', async ({ own }) => {
    const queue = await open(own, { [reconcile]: () => new Promise(() => undefined) })
    await queue.send(reconcile, ...ofRegistration('r1'))
    await until(async () => expect(await states(queue)).toEqual([['r1', 'running']]))
    const start = performance.now()
    await queue.close()
    expect(performance.now() - start).toBeLessThan(4_000)
    await expectState(own, ['r1', 'retrying'])
  })

  async function expectState(own: TestDatabase, expected: readonly [string, string]): Promise<void> {
    const queue = await open(own, {})
    expect(await states(queue)).toEqual([expected])
    await queue.close()
  }

  it('sends what is due by the clock although the latest look at it was by one that was far ahead', async ({
    own
  }) => {
    let sweeps = 0
    const handlers = { 'aws-registration.sweep': async () => void sweeps++ }
    await own.owner.prisma.$executeRawUnsafe(
      "UPDATE pgboss.version SET cron_on = now() + interval '30 days', bam_on = now() + interval '30 days'"
    )
    await own.owner.prisma.$executeRawUnsafe(
      "UPDATE pgboss.queue SET maintain_on = now() + interval '30 days', monitor_claim_on = now() + interval '30 days'"
    )
    const queue = await open(own, handlers, { isScheduled: true })
    await vi.waitFor(() => expect(sweeps).toBeGreaterThan(0), { timeout: 60_000, interval: 100 })
    await queue.close()
    expect(
      await own.owner.prisma.$queryRawUnsafe(
        `SELECT 1 FROM pgboss.version WHERE greatest(cron_on, bam_on) > now() + interval '1 minute'
         UNION ALL
         SELECT 1 FROM pgboss.queue WHERE greatest(maintain_on, monitor_claim_on) > now() + interval '1 minute'`
      )
    ).toEqual([])
  })

  it('sends what is due by the clock, and not what nobody works on', async ({ own }) => {
    let sweeps = 0
    const handlers = { 'aws-registration.sweep': async () => void sweeps++ }
    const options = { isScheduled: true }
    const first = await open(own, handlers, options)
    await first.close()
    // As if the latest look at the clock were long ago: the next start looks at once.
    await own.database.prisma.$executeRawUnsafe("UPDATE pgboss.version SET cron_on = now() - interval '1 h'")
    const second = await open(own, handlers, options)
    await vi.waitFor(() => expect(sweeps).toBeGreaterThan(0), { timeout: 60_000, interval: 100 })
    await second.close()
    const third = await open(own, {}, options)
    expect(await own.database.prisma.$queryRawUnsafe('SELECT key FROM pgboss.schedule')).toEqual([])
    await third.close()
  })
})

describe.concurrent('without a database', () => {
  it('there is no queue', async () => {
    const opening = open({ connectionString: 'postgresql://mintline@127.0.0.1:1/mintline' }, {})
    await expect(opening).rejects.toMatchObject({ code: 'database_unavailable' })
  })

  it('in which it may make its tables, there is no queue, and the setting is named', async () => {
    await using own = await createTestDatabase({ empty: true })
    const role = `role_${crypto.randomUUID().replaceAll('-', '')}`
    const { prisma } = own.owner
    await prisma.$executeRawUnsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'word'`)
    const address = new URL(own.connectionString)
    address.username = role
    address.password = 'word'
    await expect(prepareJobSchema({ connectionString: address.href })).rejects.toMatchObject({
      code: 'config_invalid',
      violations: [{ pointer: 'DATABASE_URL' }]
    })
    await prisma.$executeRawUnsafe(`DROP ROLE ${role}`)
  })

  it('that comes back, it goes on by itself', async () => {
    const postgres = await startTestPostgres()
    await prepareJobSchema(postgres)
    const seen: string[] = []
    const queue = await open(postgres, {
      [reconcile]: async ({ registrationId }) => void seen.push(registrationId)
    })
    await queue.send(reconcile, ...ofRegistration('before'))
    await until(() => expect(seen).toEqual(['before']))
    await postgres.stop()
    await expect(queue.send(reconcile, ...ofRegistration('away'))).rejects.toMatchObject({
      code: 'database_unavailable'
    })
    await delay(2_500)
    await postgres.start()
    await until(() => queue.send(reconcile, ...ofRegistration('after')))
    await until(() => expect(seen).toEqual(['before', 'after']))
    await queue.close()
    await postgres.remove()
  })
})
