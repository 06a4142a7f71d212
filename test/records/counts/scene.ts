import type { StationPrincipal } from '../../../src/access/principal.ts'
import { createReleaseStore } from '../../../src/issuance/ends/release-store.ts'
import { createReleasing } from '../../../src/issuance/ends/releasing.ts'
import { createScrapStore } from '../../../src/issuance/ends/scrap-store.ts'
import { createScrapping } from '../../../src/issuance/ends/scrapping.ts'
import { createVoidStore } from '../../../src/issuance/ends/void-store.ts'
import { createVoiding } from '../../../src/issuance/ends/voiding.ts'
import type { IssuanceRecord } from '../../../src/records/record.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { createActStore } from '../../../src/revocation/act-store.ts'
import { createRevocation } from '../../../src/revocation/revocation.ts'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase } from '../../support/test-database.ts'

/** Numbers that look random and are the same each time (mulberry32). */
export function createDice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

export type Scene = Awaited<ReturnType<typeof openScene>>

/** Refusals that were only counted, as they stand in the table. */
interface Unrecorded {
  readonly station: string
  readonly code: string
  readonly count: number
  readonly at: Date
  readonly line: string | null
  readonly lot: string | null
}

/** Some days of a factory, around the night in which Vienna puts its clocks back. */
export async function openScene(steps: number) {
  const test = await createTestDatabase()
  const directory = await createTemporaryDirectory()
  let now = new Date('2026-10-23T20:07:00Z')
  const clock = () => now
  const issuing = await startIssuing(test.database, directory.path, { clock })
  const { randomBytes } = issuing.core
  const common = { records: issuing.records, profiles: issuing.profiles, clock, randomBytes }
  const releasing = createReleasing({ ...common, store: createReleaseStore(test.database) })
  const scrapping = createScrapping({ ...common, store: createScrapStore(test.database) })
  const voiding = createVoiding({ ...common, store: createVoidStore(test.database) })
  const { blockedKeys } = issuing
  const revocation = createRevocation({ ...common, blockedKeys, store: createActStore(test.database) })
  const stuck = await startIssuing(test.database, directory.path, {
    clock,
    onStep(step) {
      if (step === 'before the signature') throw new Error('cut off')
    }
  })
  const { version } = await issuing.profiles.current('starter')
  const rework = { name: 'reworked', reissue: 'supersede', supersededEnds: 'when-connected' } as const
  await issuing.profiles.post({ ...version.document, ...rework }, act)
  await issuing.core.lots.create({ id: 'lot-1', profile: 'reworked', quantity: 1_000 }, act)
  const stations: StationPrincipal[] = []
  for (const [name, line] of [
    ['=st-1', 'A7'],
    ['st-2', 'A7'],
    ['st-3', 'B2'],
    ['st-4', null]
  ] as const) {
    const { token } = await issuing.tokens.create({ role: 'station', name }, act)
    const station = { line, site: line && 'Graz', profiles: ['*'], requestsPerMinute: null }
    stations.push({ tokenId: token.id, name, role: 'station', station })
  }

  let devices = 0
  const subject = () => ({ Country: 'US', CommonName: `device-${++devices}` })
  const dice = createDice(7)
  const issued: { id: string; CommonName: string; profile: string; isEnded: boolean }[] = []

  async function issue(station: StationPrincipal) {
    const [profile, lot] = dice(2) === 0 ? ['starter'] : ['reworked', dice(2) === 0 ? 'lot-1' : undefined]
    const { CommonName } = subject()
    const csr = makeCertificationRequest({ Country: 'US', CommonName })
    const { record } = await issuing.issueAs(station, csr, { profile: profile, lot })
    issued.push({ id: record.id, CommonName, profile: profile, isEnded: false })
  }

  /** With repeats in the same minute, which are only counted. */
  async function refuse(station: StationPrincipal) {
    const csr =
      dice(2) === 0
        ? new Uint8Array([dice(200), 1, 2])
        : makeCertificationRequest({ CommonName: 'no country' })
    const more = { profile: 'reworked', lot: dice(2) === 0 ? 'lot-1' : undefined }
    for (let times = dice(4); times >= 0; times -= 1)
      await issuing.issueAs(station, csr, more).catch(() => undefined)
  }

  async function cutOff(station: StationPrincipal) {
    const isEnded = dice(2) === 0
    await stuck.issueAs(station, makeCertificationRequest(subject()), {}).catch(() => undefined)
    if (!isEnded) return
    const { intentId } = await test.database.prisma.openIntent.findFirstOrThrow({
      orderBy: { intentId: 'desc' }
    })
    now = new Date(now.getTime() + 1_000)
    await voiding.declareVoid(intentId, act)
  }

  async function end(station: StationPrincipal) {
    const one = issued.find(({ isEnded }) => !isEnded && dice(3) === 0)
    if (one === undefined) return issue(station)
    one.isEnded = true
    const way = dice(6)
    if (way === 0) return void (await revocation.hold(one.id, act))
    if (way === 1) return void (await revocation.revoke(one.id, { reason: 'unspecified' }, act))
    if (one.profile !== 'reworked' || way < 4) return void (await scrapping.scrap(one.id, act))
    await releasing.release(one.id, act, 'operator')
    const csr = makeCertificationRequest({ Country: 'US', CommonName: one.CommonName }, makeDeviceKey())
    const { record } = await issuing.issueAs(station, csr, { profile: 'reworked' })
    issued.push({ id: record.id, CommonName: one.CommonName, profile: 'reworked', isEnded: false })
  }

  const deeds = [issue, issue, refuse, cutOff, end, end]
  for (let step = 0; step < steps; step += 1) {
    now = new Date(now.getTime() + dice(3) * dice(5 * 3_600_000))
    await deeds[dice(deeds.length)]!(stations[dice(stations.length)]!)
  }
  // Writes what was only counted.
  await issuing.core.stops.disposeAsync()

  const { prisma } = test.database
  return {
    ...test,
    lastAt: now,
    async fill() {
      const filling = createFilling({ store: createFillStore(test.database), clock, batchSize: 20 })
      while (await filling.step());
    },
    /** As who fills notes every few seconds. */
    async noteFilled() {
      await test.owner.prisma.searchProgress.updateMany({ data: { filledAt: new Date() } })
    },
    /** Each of them, read one by one. */
    async readRecords(): Promise<readonly IssuanceRecord[]> {
      const ids = [...(await prisma.intent.findMany()), ...(await prisma.refusal.findMany())].map(
        ({ id }) => id
      )
      return Promise.all(ids.map(id => issuing.records.find(id)))
    },
    async readUnrecorded(): Promise<readonly Unrecorded[]> {
      const refusals = new Map((await prisma.refusal.findMany()).map(row => [row.id, row]))
      return (await prisma.refusalCount.findMany()).map(
        ({ station, code, count, windowStart, refusalId }) => {
          const { line = null, lot = null } = refusals.get(refusalId ?? '') ?? {}
          return { station, code, count, at: windowStart, line, lot }
        }
      )
    },
    async close() {
      await test.drop()
      await directory.remove()
    }
  }
}
