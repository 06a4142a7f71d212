import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createAuthorityServices } from '../../../src/composition/authority-services.ts'
import { crlDutyOptions } from '../../../src/composition/status/crl.ts'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { startCrlDuty } from '../../../src/status/crl/making/crl-duty.ts'
import { act, selfSigned } from '../../support/authority-administration.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { silentLog } from '../../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { openMaking } from './making-crls.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let making: ReturnType<typeof openMaking>

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  const services = createAuthorityServices(issuing.core, { listRegistrationGaps: async () => [] })
  const { administration } = services
  await administration.activate(await administration.create(selfSigned('lost'), act), act)
  making = openMaking(issuing.core)
  await making.step()
})
/** Nothing waits. */
afterEach(() => making.step())
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const change = (name: string) =>
  test.owner.prisma
    .$executeRaw`INSERT INTO crl_change (authority_id) SELECT id FROM authority WHERE name = ${name}`
const changes = () => test.database.prisma.crlChange.count()
const intents = () => test.database.prisma.crlIntent.count()

describe('by a clock that is not trusted', () => {
  const untrusted = new MintlineError('clock_untrusted', 'The clock is ahead.')
  const distrusting = () =>
    openMaking(issuing.core, { clockTrust: { assertTrusted: () => Promise.reject(untrusted) } })

  it('no CRL is made, and what was to be told waits', async () => {
    await change('starter-g1')
    const before = await intents()
    await expect(distrusting().step()).rejects.toBe(untrusted)
    expect([await intents(), await changes()]).toEqual([before, 1])
    await making.step()
    expect([await intents(), await changes()]).toEqual([before + 1, 0])
  })

  it('nothing that waits is dropped, since whose it is may have CRLs', async () => {
    await test.owner.prisma.$executeRaw`UPDATE authority SET state = 'compromised' WHERE name = 'lost-g1'`
    await change('lost-g1')
    await expect(distrusting().step()).rejects.toBe(untrusted)
    expect(await changes()).toBe(1)
    await making.step()
    expect(await changes()).toBe(0)
  })

  it('no octets are taken away', async () => {
    const long = newId(new Date(Date.now() - 3_600_000), issuing.core.randomBytes)
    await test.owner.prisma.$executeRaw`
      INSERT INTO crl_chunk (intent_id, position, octets) VALUES (${long}::uuid, 0, '\\x30')`
    const chunks = () => test.database.prisma.crlChunk.count({ where: { intentId: long } })
    await expect(distrusting().step()).rejects.toBe(untrusted)
    expect(await chunks()).toBe(1)
    await making.step()
    expect(await chunks()).toBe(0)
  })
})

it('closing waits for the CRL that is being signed, and begins no other', async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let signing = 0
  const { authorities } = issuing.core
  const duty = startCrlDuty({
    ...crlDutyOptions(issuing.core),
    log: silentLog,
    // Its rests go by in no time.
    stopwatch: () => performance.now() * 100,
    authorities: {
      list: () => authorities.list(),
      async issuingById(id) {
        const authority = await authorities.issuingById(id)
        const sign = async (der: Uint8Array) => {
          signing++
          await released
          return authority.signer.sign(der)
        }
        return { ...authority, signer: { ...authority.signer, sign } }
      }
    }
  })
  await change('starter-g1')
  await vi.waitFor(() => expect(signing).toBe(1), { timeout: 15_000 })
  let isClosed = false
  const crls = () => test.database.prisma.crl.count()
  const before = await crls()
  const closed = duty.close().then(() => (isClosed = true))
  await new Promise(resolve => setTimeout(resolve, 200))
  expect([isClosed, await crls()]).toEqual([false, before])
  release()
  await closed
  expect([signing, await crls()]).toEqual([1, before + 1])
  await change('starter-g1')
  await new Promise(resolve => setTimeout(resolve, 1_500))
  expect(signing).toBe(1)
})
