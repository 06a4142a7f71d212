import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { act, createTestAdministration, selfSigned } from '../support/authority-administration.ts'
import { makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let administration: ReturnType<typeof createTestAdministration>['administration']
let generation = 1

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  administration = createTestAdministration(test.database, directory.path).administration
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const device = (name: string, key = makeDeviceKey(), country = 'US') =>
  makeCertificationRequest({ Country: country, CommonName: name }, key)

const compromise = () => administration.compromise(`starter-g${generation}`, act)

async function activateNext(): Promise<void> {
  await administration.activate(await administration.create(selfSigned('starter'), act), act)
  generation++
}

/** What a request comes to: the generation that certified it, or the code of its refusal. */
async function outcomeOf(csr: Uint8Array, { issue }: Pick<Issuing, 'issue'> = issuing): Promise<string> {
  try {
    return (await issue(csr)).record.authority
  } catch (error) {
    if (isMintlineError(error)) return error.code
    throw error
  }
}

const openIntents = () => test.database.prisma.openIntent.count()

/** An intent whose process got no further. */
async function leaveOpen(csr: Uint8Array): Promise<void> {
  const stuck = await startIssuing(test.database, directory.path, {
    onStep: step => {
      if (step === 'before the signature') throw new Error('the token was pulled out')
    }
  })
  await expect(stuck.issue(csr)).rejects.toThrow('the token was pulled out')
}

describe('a certificate of a compromised generation', () => {
  it('is not handed out again, with or without a next generation, and a new key gets the next', async () => {
    const first = device('lost')
    await issuing.issue(first)
    await compromise()
    expect(await outcomeOf(first)).toBe('certificate_compromised')
    expect(await outcomeOf(device('lost'))).toBe('authority_unavailable')
    await activateNext()
    expect(await outcomeOf(first)).toBe('certificate_compromised')
    const second = device('lost')
    expect(await outcomeOf(second)).toBe(`starter-g${generation}`)
    expect(await outcomeOf(first)).toBe('certificate_compromised')
    expect(await outcomeOf(device('lost'))).toBe('device_already_certified')
    await compromise()
    expect([await outcomeOf(first), await outcomeOf(second)]).toEqual([
      'certificate_compromised',
      'certificate_compromised'
    ])
    await activateNext()
    expect(await outcomeOf(device('lost'))).toBe(`starter-g${generation}`)
  })

  it('lets the device come back with the key it has, which no other device gets', async () => {
    const key = makeDeviceKey()
    const first = device('locked', key)
    await issuing.issue(first)
    await compromise()
    await activateNext()
    expect(await outcomeOf(device('another', key))).toBe('key_already_certified')
    const moved = device('locked', key, 'DE')
    expect(await outcomeOf(moved)).toBe(`starter-g${generation}`)
    expect(await issuing.issue(moved)).toMatchObject({ replayed: true })
    expect(await outcomeOf(first)).toBe('certificate_compromised')
  })
})

describe('an intent that is open when its CA is compromised', () => {
  it('is void by the act, and the same request is certified by the next generation', async () => {
    const csr = device('open')
    await leaveOpen(csr)
    await compromise()
    expect(await openIntents()).toBe(0)
    expect(await outcomeOf(csr)).toBe('authority_unavailable')
    await activateNext()
    const { record, replayed } = await issuing.issue(csr)
    expect([record.authority, replayed]).toEqual([`starter-g${generation}`, false])
  })

  it('leaves an intent of another generation alone', async () => {
    const csr = device('retiring')
    await leaveOpen(csr)
    const before = generation
    await activateNext()
    await compromise()
    expect(await outcomeOf(csr)).toBe(`starter-g${before}`)
    await activateNext()
  })
})

describe('a compromise amid the work of several processes', () => {
  it('leaves each request either issued, and ended, or free for the next generation', async () => {
    const databases = [1, 2].map(() =>
      createDatabase({ connectionString: test.connectionString, poolSize: 3 })
    )
    const processes = await Promise.all(databases.map(each => startIssuing(each, directory.path)))
    const seen = { ended: 0, free: 0 }
    for (let round = 0; round < 4; round++) {
      const requests = Array.from({ length: 60 }, (_, index) => device(`amid-${round}-${index}`))
      const answers = requests.map((csr, index) => outcomeOf(csr, processes[index % 2]))
      await Promise.race(answers)
      await compromise()
      const compromised = `starter-g${generation}`
      expect(await openIntents()).toBe(0)
      const during = await Promise.all(answers)
      await activateNext()
      for (const [index, csr] of requests.entries()) {
        const after = await outcomeOf(csr, processes[(index + 1) % 2])
        if (during[index] === compromised) {
          expect(after).toBe('certificate_compromised')
          seen.ended++
        } else {
          expect(during[index]).toMatch(/^(authority_unavailable|signer_unavailable|overloaded)$/)
          // One that was recorded, and whose answer was lost, has ended as well.
          expect(after).toMatch(new RegExp(`^(starter-g${generation}|certificate_compromised)$`))
          if (after === `starter-g${generation}`) seen.free++
        }
      }
    }
    expect(Math.min(seen.ended, seen.free)).toBeGreaterThan(0)
    await Promise.all(databases.map(database => database.close()))
  })
})

// Last, as it leaves an open intent behind.
describe('a state that was changed by hand', () => {
  it('holds back no device that has an open intent', async () => {
    const csr = device('by-hand')
    await leaveOpen(csr)
    const name = `starter-g${generation}`
    await test.database.prisma.authority.update({ where: { name }, data: { state: 'compromised' } })
    await activateNext()
    expect(await outcomeOf(csr)).toBe(`starter-g${generation}`)
    expect(await issuing.issue(csr)).toMatchObject({ replayed: true })
  })
})
