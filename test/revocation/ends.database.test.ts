import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReleaseStore } from '../../src/issuance/ends/release-store.ts'
import { createReleasing } from '../../src/issuance/ends/releasing.ts'
import { recordStates } from '../../src/records/record.ts'
import { createFillStore } from '../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../src/records/search/filling/filling.ts'
import { act } from '../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { findBreaches, openRevoking, type Revoking } from './revoking.ts'

const day = 86_400_000
let test: TestDatabase
let directory: TemporaryDirectory
/** Issues a day ago, as its clock has it: what ends after a day ends now. */
let issuing: Issuing
let revoking: Revoking
let releasing: ReturnType<typeof createReleasing>
let offsetMs = -day

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  const clock = () => new Date(Date.now() + offsetMs)
  issuing = await startIssuing(test.database, directory.path, { clock })
  const common = {
    records: issuing.records,
    profiles: issuing.profiles,
    clock,
    randomBytes: issuing.core.randomBytes
  }
  releasing = createReleasing({ ...common, store: createReleaseStore(test.database) })
  revoking = openRevoking(issuing)
  const { document } = (await issuing.profiles.current('starter')).version
  const later = { name: 'later', reissue: 'supersede', supersededEnds: { afterDays: 1 } } as const
  await issuing.profiles.post({ ...document, ...later }, act)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let devices = 0
const csrOf = (CommonName: string) => makeCertificationRequest({ Country: 'US', CommonName }, makeDeviceKey())

/** @param before what is done to it before that. @returns id of one that ends in two seconds, or in as many as are given. */
async function supersede(
  before: (id: string) => Promise<unknown> = async () => undefined,
  endsAfterMs = 2_000
): Promise<string> {
  const name = `ended-${++devices}`
  const { id } = (await issuing.issue(csrOf(name), 'later')).record
  await before(id)
  await releasing.release(id, act, 'admin')
  offsetMs = endsAfterMs - day
  await issuing.issue(csrOf(name), 'later')
  return id
}

async function waitForEnd(id: string): Promise<void> {
  const { endsAt } = (await statusOf(id))!
  await new Promise(resolve => setTimeout(resolve, Math.max(endsAt!.getTime() - Date.now() + 200, 0)))
}

const statusOf = (intentId: string) =>
  test.database.prisma.certificateStatus.findUnique({ where: { intentId } })
const revocationOf = async (id: string) =>
  ((await issuing.records.find(id)) as { revocation?: object }).revocation

describe('one that is superseded', () => {
  it('and is revoked for the compromise of its key keeps that, also where its end comes after', async () => {
    const id = await supersede()
    await revoking.revokeFor(id, 'keyCompromise')
    await waitForEnd(id)
    await revoking.sweep()
    expect(await statusOf(id)).toMatchObject({ state: 'revoked', reason: 'keyCompromise' })
    expect(await revocationOf(id)).toMatchObject({ revocationReason: 'keyCompromise' })
  })

  it('ends on hold as it would otherwise', async () => {
    const id = await supersede()
    await revoking.hold(id, act)
    await waitForEnd(id)
    expect(await revocationOf(id)).toMatchObject({ revocationReason: 'superseded' })
    await revoking.sweep()
    expect(await statusOf(id)).toMatchObject({ state: 'revoked', reason: 'superseded' })
    expect(await findBreaches(test.database)).toEqual([])
  })

  it('may have been revoked before: its device gets the next one, and it stays what it is', async () => {
    const id = await supersede(id => revoking.revokeFor(id, 'cessationOfOperation'))
    await waitForEnd(id)
    await revoking.sweep()
    expect(await statusOf(id)).toMatchObject({ state: 'revoked', reason: 'cessationOfOperation' })
    expect(await findBreaches(test.database)).toEqual([])
  })

  it('may have been on hold before: it ends at its time', async () => {
    const id = await supersede(async id => {
      await revoking.hold(id, act)
      await revoking.unhold(id, act)
    })
    expect(await statusOf(id)).toMatchObject({ state: 'removed' })
    await waitForEnd(id)
    await revoking.sweep()
    expect(await statusOf(id)).toMatchObject({ state: 'revoked', reason: 'superseded' })
    expect(await findBreaches(test.database)).toEqual([])
  })

  it('is found as superseded until its end is written, and as revoked from then on', async () => {
    const filling = createFilling({ store: createFillStore(test.database), clock: () => new Date() })
    async function findStates(id: string) {
      while (await filling.step());
      const lists = recordStates.map(async state => {
        const { items } = await issuing.records.list({ state, limit: 200 })
        return items.some(item => item.id === id) ? [state] : []
      })
      return (await Promise.all(lists)).flat()
    }
    // On a machine that has much to do, each of these searches takes a second.
    const id = await supersede(undefined, 8_000)
    expect(await findStates(id)).toEqual(['superseded'])
    await revoking.hold(id, act)
    expect(await findStates(id)).toEqual(['held'])
    await revoking.unhold(id, act)
    expect(await findStates(id)).toEqual(['superseded'])
    await waitForEnd(id)
    await revoking.sweep()
    expect(await findStates(id)).toEqual(['revoked'])
  })
})
