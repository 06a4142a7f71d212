import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openCrls } from '../../../src/composition/status/crl.ts'
import { createCrlStore } from '../../../src/status/crl/crl-store.ts'
import { createCrls } from '../../../src/status/crl/crls.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openMaking } from './making-crls.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let making: ReturnType<typeof openMaking>
const name = 'starter-g1'

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  making = openMaking(issuing.core)
  await making.step()
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** Of a process, with what it reads and a stopwatch. */
function openReading() {
  const store = createCrlStore(test.database)
  const state = { nowMs: 0, chunks: 0 }
  const crls = createCrls({
    ...issuing.core,
    overlapMs: 3_600_000,
    stopwatch: () => state.nowMs,
    store: {
      ...store,
      async readChunk(intentId, position) {
        state.chunks += 1
        return store.readChunk(intentId, position)
      }
    }
  })
  return { crls, state }
}

/** Flips a bit of the newest CRL's TBSCertList, or sets it right again; or takes all of it away. */
async function spoil(how = 'UPDATE crl_chunk SET octets = set_byte(octets, 9, get_byte(octets, 9) # 1)') {
  await test.owner.prisma.$transaction([
    test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk DISABLE TRIGGER USER`,
    test.owner.prisma.$executeRawUnsafe(
      `${how} WHERE intent_id = (SELECT id FROM crl_intent JOIN crl ON intent_id = id ORDER BY number DESC LIMIT 1)`
    ),
    test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER stays_as_it_is`,
    test.owner.prisma.$executeRaw`ALTER TABLE crl_chunk ENABLE ALWAYS TRIGGER newest_stays`
  ])
}

const isDamaged = { code: 'record_damaged' }

it('a CRL that is damaged is told by readiness, read once and no more, and followed by another', async () => {
  const { crls, state } = openReading()
  await spoil()
  await expect(crls.find(name)).rejects.toMatchObject(isDamaged)
  const read = state.chunks
  for (let asked = 0; asked < 20; asked++) {
    state.nowMs += 2_000
    await expect(crls.find(name)).rejects.toMatchObject(isDamaged)
  }
  expect(state.chunks).toBe(read)
  expect(await test.database.prisma.crlChange.count()).toBe(1)
  expect(await crls.examine()).toMatchObject({
    ok: false,
    detail: expect.stringContaining('was changed in the database') as string
  })
  await making.step()
  // The one before says nothing then, which is told.
  expect(making.troubles).toMatchObject([{ authority: name }])
  state.nowMs += 2_000
  expect((await crls.find(name)).octets).toBeGreaterThan(0)
  expect(await crls.examine()).toEqual({ ok: true, detail: 'up to date' })
})

it('a CRL that is restored is handed out again after a minute', async () => {
  const { crls, state } = openReading()
  await spoil()
  await expect(crls.find(name)).rejects.toMatchObject(isDamaged)
  await spoil()
  state.nowMs += 61_000
  expect((await crls.find(name)).octets).toBeGreaterThan(0)
  expect(await crls.examine()).toMatchObject({ ok: true })
  await making.step()
})

it('a CRL without its octets is damaged, and not one that another has replaced', async () => {
  const { crls } = openReading()
  await spoil('DELETE FROM crl_chunk')
  await expect(crls.find(name)).rejects.toMatchObject(isDamaged)
  await making.step()
  expect((await making.read()).octets).toBeGreaterThan(0)
})

it('what has ended by itself is behind where no CRL says so', async () => {
  const { id } = issuing.authorities.list()[0]!
  const endsAt = new Date().toISOString()
  await test.owner.prisma.$transaction([
    test.owner.prisma.$executeRaw`ALTER TABLE certificate_status DISABLE TRIGGER of_act`,
    test.owner.prisma.$executeRaw`
      INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, ends_at)
      VALUES (gen_random_uuid(), ${id}::uuid, '\\x4e01', 'good', ${endsAt}::timestamptz)`,
    test.owner.prisma.$executeRaw`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER of_act`
  ])
  const later = { ...issuing.core, clock: () => new Date(Date.now() + 120_000) }
  const crls = openCrls(later, new Registry())
  expect(await crls.examine()).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/is 1[12]\d s behind/) as string
  })
  expect((await crls.measure())[0]!.lagSeconds).toBeGreaterThan(100)
  await making.step()
  expect(await crls.examine()).toMatchObject({ ok: true })
})

it('a generation whose row cannot be read has no CRL made, which is told', async () => {
  const listDamaged = () =>
    (['retired', 'compromised'] as const).map(state => ({
      ...{ id: 'none', name: `${state}-g1`, line: state, purpose: 'devices' as const, state },
      obstacle: new Error('damaged') as never
    }))
  const authorities = { ...issuing.core.authorities, listDamaged }
  const { ok, detail } = await openCrls({ ...issuing.core, authorities }, new Registry()).examine()
  expect(ok).toBe(false)
  expect(detail).toContain('retired-g1')
  expect(detail).not.toContain('compromised-g1')
})
