import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Leadership, seekLeadership } from '../../src/jobs/leadership.ts'
import { silentLog } from '../support/silent-log.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
const standing: Leadership[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterEach(async () => {
  for (const leadership of standing.splice(0)) await leadership.close()
})
afterAll(() => test.drop())

/** In the order in which it happened: `A leads`, `A ends`. */
function createStand() {
  const happened: string[] = []
  const stand = async (who: string, lead: () => void = () => undefined): Promise<Leadership> => {
    const leadership = await seekLeadership({
      connectionString: test.serviceConnectionString,
      name: 'test',
      async lead(stops) {
        lead()
        happened.push(`${who} leads`)
        stops.defer(() => void happened.push(`${who} ends`))
      },
      log: silentLog,
      pollMs: 50
    })
    standing.push(leadership)
    return leadership
  }
  const until = (expected: readonly string[]) =>
    vi.waitFor(() => expect(happened).toEqual(expected), { timeout: 10_000, interval: 20 })
  return { happened, stand, until }
}

/** Ends the connection of who holds the lock, as when the network or the machine of the holder breaks. */
const cutHolder = () =>
  test.database.prisma.$queryRaw`
    SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

describe('of those that stand', () => {
  it('one leads, and the next one once it has ended its work', async () => {
    const { happened, stand, until } = createStand()
    const first = await stand('A')
    expect(happened).toEqual(['A leads'])
    await stand('B')
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(happened).toEqual(['A leads'])
    await first.close()
    await until(['A leads', 'A ends', 'B leads'])
  })

  it('the one that loses its connection stops, and another leads', async () => {
    const { happened, stand, until } = createStand()
    await stand('A')
    await cutHolder()
    await until(['A leads', 'A ends', 'A leads'])
    await stand('B')
    await cutHolder()
    await vi.waitFor(() => expect(happened.slice(3)).toContain('A ends'), 10_000)
    await vi.waitFor(
      () => expect(happened.slice(3).filter(each => each.endsWith('leads'))).toHaveLength(1),
      10_000
    )
  })

  it('none waits in the database', async () => {
    const { stand } = createStand()
    await stand('A')
    await stand('B')
    await new Promise(resolve => setTimeout(resolve, 300))
    // Of this database: those of other tests are on the same server.
    const waiting = await test.database.prisma.$queryRaw`
      SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    expect(waiting).toEqual([])
  })
})

describe('work that cannot be begun', () => {
  it('is told to who stands first, and the lead goes to another', async () => {
    const { stand, until } = createStand()
    const fail = () => {
      throw new TypeError('not today')
    }
    await expect(stand('A', fail)).rejects.toThrow(TypeError)
    await stand('B')
    await until(['B leads'])
  })

  it('is tried again by who stood by', async () => {
    const { stand, until } = createStand()
    const first = await stand('A')
    let tries = 0
    await stand('B', () => {
      if (++tries === 1) throw new TypeError('not today')
    })
    await first.close()
    await until(['A leads', 'A ends', 'B leads'])
    expect(tries).toBe(2)
  })
})

it('without a database nobody leads', async () => {
  const connectionString = 'postgresql://mintline@127.0.0.1:1/mintline'
  const leadership = seekLeadership({
    connectionString,
    name: 'test',
    lead: async () => undefined,
    log: silentLog
  })
  await expect(leadership).rejects.toMatchObject({ code: 'database_unavailable' })
})
