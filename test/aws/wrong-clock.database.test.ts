import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAuthorityStore } from '../../src/authorities/authority-store.ts'
import { provideVerification } from '../../src/aws/registrations/verification/verification.ts'
import { createVerificationStore } from '../../src/aws/registrations/verification/verification-store.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { act } from '../support/authority-administration.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import {
  jitr,
  type Registering,
  standInEnvironment,
  startControlPlane,
  startRegistering
} from './registering.ts'

const days = 86_400_000

let cloud: Awaited<ReturnType<typeof startControlPlane>>
let test: TestDatabase
let data: TemporaryDirectory
let registering: Registering
/** How far the clock of the service is off. */
let offsetMs = 0
let isAway = false
const now = () => new Date(Date.now() + offsetMs)

beforeAll(async () => {
  data = await createTemporaryDirectory()
  cloud = await startControlPlane()
  Object.assign(process.env, standInEnvironment(cloud.plane.url))
  test = await createTestDatabase()
  registering = await startRegistering(test.database, data.path, ({ accesses }) => ({
    clock: now,
    accesses: {
      ...accesses,
      async open(place) {
        if (isAway) throw new MintlineError('aws_unavailable', 'away')
        return accesses.open(place)
      }
    }
  }))
})
beforeEach(() => {
  offsetMs = 0
  registering.sent.splice(0)
})
afterAll(async () => {
  registering.close()
  await cloud.plane.stop()
  await test.drop()
  await data.remove()
})

let regions = 0

async function post(): Promise<string> {
  const region = `eu-clock-${++regions}`
  return (await registering.registrations.post('starter-g1', { ...jitr, region }, act)).id
}

const find = (id: string) => registering.registrations.find('starter-g1', id)

/** What the minute's sweep sends for it by a clock that is right. */
async function sweptFor(id: string) {
  registering.sent.splice(0)
  await registering.sweep()
  const sent = registering.sent.filter(({ data: of }) => JSON.stringify(of).includes(id))
  registering.sent.splice(0, Infinity, ...sent)
  return sent.map(({ kind }) => kind)
}

describe.each([
  ['30 days', 30 * days],
  ['an hour', days / 24]
])('after a clock that was %s ahead', (_, wrongMs) => {
  it('a registration that was asked for is brought about', async () => {
    offsetMs = wrongMs
    const id = await post()
    offsetMs = 0
    expect(await sweptFor(id)).toEqual(['aws-registration.reconcile'])
    await registering.runJobs()
    expect(await find(id)).toMatchObject({ state: 'registered' })
  })

  it('one that was looked at is looked at again, and what is found is kept', async () => {
    const id = await post()
    await registering.runJobs()
    offsetMs = wrongMs
    await registering.check({ registrationId: id })
    offsetMs = 0
    expect(await sweptFor(id)).toEqual(['aws-registration.check'])
    await registering.runJobs()
    const { checkedAt } = await test.database.prisma.awsRegistrationState.findUniqueOrThrow({
      where: { registrationId: id }
    })
    expect(Math.abs(checkedAt.getTime() - Date.now())).toBeLessThan(60_000)
    expect(await sweptFor(id)).toEqual([])
  })

  it('one that failed is tried again', async () => {
    offsetMs = wrongMs
    const id = await post()
    registering.sent.splice(0)
    isAway = true
    await expect(registering.reconcile({ registrationId: id })).rejects.toMatchObject({
      code: 'aws_unavailable'
    })
    isAway = false
    expect(await find(id)).toMatchObject({ state: 'failed' })
    offsetMs = 0
    expect(await sweptFor(id)).toEqual(['aws-registration.reconcile'])
    await registering.runJobs()
    expect(await find(id)).toMatchObject({ state: 'registered' })
  })

  it('AWS gets a proof of possession that is valid now', async () => {
    const { openSigner, randomBytes } = registering.dependencies
    const store = createVerificationStore(test.database)
    const authorities = await createAuthorityStore(test.database).list()
    const authority = authorities.find(({ name }) => name === 'starter-g1')!
    const request = {
      registrationId: await post(),
      authority,
      registrationCode: 'c0de'.repeat(16),
      onStep: async () => undefined
    }
    const provide = () => provideVerification({ store, openSigner, randomBytes, clock: now }, request)
    offsetMs = wrongMs
    await provide()
    offsetMs = 0
    const { validFromDate, validToDate } = new X509Certificate(await provide())
    expect([validFromDate < new Date(), validToDate > new Date()]).toEqual([true, true])
    expect(await provide()).toEqual(await provide())
  })
})
