import { generateKeyPairSync, hash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClockStore } from '../../src/clock/clock-store.ts'
import { type ClockTrust, createClockTrust } from '../../src/clock/clock-trust.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { type Issuing, type IssuingOptions, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const day = 86_400_000

let data: TemporaryDirectory
let test: TestDatabase
/** How far the clock of the service is ahead of the database's. */
let aheadMs = 0
const clock = () => new Date(Date.now() + aheadMs)

beforeAll(async () => {
  data = await createTemporaryDirectory()
})
beforeEach(async () => {
  aheadMs = 0
  test = await createTestDatabase()
})
afterEach(() => test.drop())
afterAll(() => data.remove())

const start = async () => {
  const directory = await createTemporaryDirectory()
  return startIssuing(test.database, directory.path, { clock, examinesClock: true, resumeAfterMs: 1_000 })
}

const csrOf = (name: string) => makeCertificationRequest({ Country: 'US', CommonName: name })
const untrusted = { code: 'clock_untrusted' }
const act = { actor: 'admin/test', reason: 'it ran ahead' }

const trustOf = (builtAt = new Date(0), store = createClockStore(test.database)): ClockTrust =>
  createClockTrust({
    store,
    clock,
    randomBytes: createRandomSource(),
    builtAt
  })

/** Sends a private key, which is blocked whatever the clock says; only the record of it waits. */
async function discloseTo(
  { disclosures, station, blockedKeys }: Issuing,
  route: string,
  issuance?: { readonly profile: string }
): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const body = privateKey.export({ type: 'pkcs8', format: 'der' })
  const findings = disclosures.find({ bytes: body })!
  const error = await disclosures
    .refuse({ findings, body, principal: station, requestId: 'test', route, issuance })
    .catch((thrown: unknown) => thrown)
  const spkiSha256 = hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer')
  expect(await blockedKeys.find(spkiSha256)).toMatchObject({ reason: 'key_disclosed' })
  throw error
}

describe('a clock that is set while the service runs', () => {
  it.each([
    ['back by a day', -day],
    ['back by ten years', -3650 * day],
    ['ahead by a minute', 60_000],
    ['ahead by thirty years', 30 * 365 * day]
  ])('%s issues nothing and records nothing, at once, until it is right again', async (_, offsetMs) => {
    const issuing = await start()
    const served = csrOf('served')
    const { record } = await issuing.issue(served)
    aheadMs = offsetMs
    await expect(issuing.issue(csrOf('not now'))).rejects.toMatchObject({
      ...untrusted,
      retryAfterSeconds: 5
    })
    await expect(issuing.issue(Buffer.from('no CSR'))).rejects.toMatchObject(untrusted)
    await expect(discloseTo(issuing, 'POST /v1/issuances', { profile: 'starter' })).rejects.toMatchObject(
      untrusted
    )
    await expect(discloseTo(issuing, 'POST /v1/tokens')).rejects.toMatchObject(untrusted)
    expect(await test.database.prisma.refusal.count()).toBe(0)
    expect(await test.database.prisma.auditEvent.count({ where: { act: 'key.disclose' } })).toBe(0)
    expect(await issuing.issue(served)).toMatchObject({ replayed: true, record: { id: record.id } })
    expect((await issuing.records.list({ limit: 9 })).items).toHaveLength(1)
    aheadMs = 0
    expect(await issuing.issue(csrOf('not now'))).toMatchObject({ replayed: false })
  })

  it('leaves a retry of an open intent neither waiting without end nor completed', async () => {
    const directory = await createTemporaryDirectory()
    const open = (onStep?: IssuingOptions['onStep']) =>
      startIssuing(test.database, directory.path, {
        clock,
        examinesClock: true,
        resumeAfterMs: 1_000,
        ...(onStep && { onStep })
      })
    const csr = csrOf('cut off')
    const dying = await open(step => {
      if (step === 'before the signature') throw new Error('cut off')
    })
    await expect(dying.issue(csr)).rejects.toThrow('cut off')
    const issuing = await open()
    aheadMs = -3_600_000
    const start = performance.now()
    await expect(issuing.issue(csr)).rejects.toMatchObject(untrusted)
    expect(performance.now() - start).toBeLessThan(5_000)
    aheadMs = 0
    expect(await issuing.issue(csr)).toMatchObject({ replayed: true })
    await issuing.core.stops.disposeAsync()
    await directory.remove()
  })
})

describe('a clock is trusted', () => {
  it('up to five seconds from the database’s, and no further', async () => {
    const trust = trustOf()
    for (const offsetMs of [-4_000, 4_000, 0]) {
      aheadMs = offsetMs
      await trust.assertTrusted()
    }
    for (const offsetMs of [-6_000, 6_000]) {
      aheadMs = offsetMs
      await expect(trust.assertTrusted()).rejects.toMatchObject(untrusted)
    }
  })

  it('from the date of the program on', async () => {
    await expect(trustOf(new Date(Date.now() + day)).examine()).rejects.toMatchObject(untrusted)
    await trustOf(new Date(Date.now() - day)).examine()
  })

  it('by the newest record, until an administrator accepts that it is of a wrong future', async () => {
    const ahead = await startIssuing(test.database, data.path, { clock })
    aheadMs = 5 * 365 * day
    await expect(ahead.issue(Buffer.from('of the future'))).rejects.toMatchObject({ code: 'csr_malformed' })
    aheadMs = 0
    const trust = trustOf()
    await expect(trust.examine()).rejects.toMatchObject(untrusted)
    await expect(ahead.issue(csrOf('now'))).resolves.toBeDefined()

    expect(await trust.accept(act)).toMatchObject({ trusted: true, accepted: true })
    await trust.examine()
    const events = await test.database.prisma.auditEvent.findMany({ where: { act: 'clock.accept' } })
    expect(events).toMatchObject([{ actor: 'admin/test', reason: 'it ran ahead', subject: 'clock' }])

    // What is not accepted counts as before: a later record of a wrong future, and those of the right time.
    aheadMs = 6 * 365 * day
    await expect(ahead.issue(Buffer.from('of a later future'))).rejects.toMatchObject({
      code: 'csr_malformed'
    })
    aheadMs = 0
    await expect(trust.examine()).rejects.toMatchObject(untrusted)
    expect(await trust.accept(act)).toMatchObject({ trusted: true, accepted: true })
    const { newestRecordAt } = await createClockStore(test.database).read()
    expect(Math.abs(newestRecordAt!.getTime() - Date.now())).toBeLessThan(60_000)
  })

  it('and is told to be as soon as that is accepted, also when a comparison from before is under way', async () => {
    const ahead = await startIssuing(test.database, data.path, { clock })
    aheadMs = 5 * 365 * day
    await expect(ahead.issue(Buffer.from('of the future'))).rejects.toMatchObject({ code: 'csr_malformed' })
    aheadMs = 0
    const store = createClockStore(test.database)
    const held = Promise.withResolvers<void>()
    const hasRead = Promise.withResolvers<void>()
    let reads = 0
    const trust = trustOf(undefined, {
      ...store,
      async read() {
        const reference = await store.read()
        if (reads++ === 0) {
          hasRead.resolve()
          await held.promise
        }
        return reference
      },
      async accept(...args) {
        await store.accept(...args)
        setTimeout(held.resolve, 50)
      }
    })
    const early = expect(trust.examine()).rejects.toMatchObject(untrusted)
    await hasRead.promise
    expect(await trust.accept(act)).toMatchObject({ trusted: true, accepted: true })
    await trust.assertTrusted()
    await early
  })

  it('and accepting changes nothing where there is nothing to accept, or the clock is apart', async () => {
    const trust = trustOf()
    expect(await trust.accept(act)).toMatchObject({ trusted: true, accepted: false })
    aheadMs = day
    expect(await trust.accept(act)).toMatchObject({ trusted: false, accepted: false })
    expect(await test.database.prisma.auditEvent.count({ where: { act: 'clock.accept' } })).toBe(0)
  })
})
