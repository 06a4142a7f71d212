import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { createReleaseStore } from '../../src/issuance/ends/release-store.ts'
import { createReleasing, type Releasing } from '../../src/issuance/ends/releasing.ts'
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

const refusing = 'by-hand-only'

/** What a refusal tells the station to do. */
async function detailOf(csr: Uint8Array, profile = 'starter'): Promise<string> {
  const refusal = await issuing.issue(csr, profile).catch((error: unknown) => error)
  return isMintlineError(refusal) ? refusal.detail : ''
}

describe('a certificate of a compromised generation', () => {
  it('is followed by one of the next generation, for the same CSR, which is asked again as often as one likes', async () => {
    const csr = device('same')
    const { record: lost } = await issuing.issue(csr)
    await compromise()
    expect(await outcomeOf(csr)).toBe('certificate_compromised')
    expect(await detailOf(csr)).toContain('once an administrator has activated another generation')
    await activateNext()
    const { record, replayed } = await issuing.issue(csr)
    expect([record.authority, replayed]).toEqual([`starter-g${generation}`, false])
    expect(record.certificateId).not.toBe(lost.certificateId)
    const again = await issuing.issue(csr)
    expect([again.replayed, again.record.certificateId]).toEqual([true, record.certificateId])
    expect(await issuing.records.find(lost.id)).toMatchObject({ outcome: 'issued', compromised: true })
  })

  it('is followed by one for a new key, after which the old CSR is told which one the device has', async () => {
    const first = device('lost')
    await issuing.issue(first)
    await compromise()
    expect(await outcomeOf(device('lost'))).toBe('authority_unavailable')
    await activateNext()
    const second = device('lost')
    const { record } = await issuing.issue(second)
    expect(record.authority).toBe(`starter-g${generation}`)
    expect(await outcomeOf(first)).toBe('certificate_compromised')
    expect(await detailOf(first)).toContain(`The device has another since: that of the issuance ${record.id}`)
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

  it('is followed by one alone, however many ask at once, in two processes', async () => {
    const databases = [1, 2].map(() =>
      createDatabase({ connectionString: test.connectionString, poolSize: 3 })
    )
    const processes = await Promise.all(databases.map(each => startIssuing(each, directory.path)))
    const csrs = Array.from({ length: 10 }, (_, index) => device(`at-once-${index}`))
    for (const csr of csrs) await issuing.issue(csr)
    await compromise()
    await activateNext()
    const answers = await Promise.all(
      csrs.flatMap(csr => [0, 1, 0, 1].map(async index => processes[index]!.issue(csr)))
    )
    const ids = new Set(answers.map(({ record }) => record.certificateId))
    expect(ids.size).toBe(csrs.length)
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(csrs.length)
    await Promise.all(databases.map(database => database.close()))
  })

  it('gives way to the refusal that is in the way of the next one', async () => {
    const csr = device('narrowed')
    await issuing.issue(csr)
    await compromise()
    await activateNext()
    const { document } = (await issuing.profiles.current('starter')).version
    const narrowed = { ...document.subject, CommonName: { rule: 'required', pattern: 'pump-.*' } } as const
    await issuing.profiles.post({ ...document, subject: narrowed }, act)
    expect(await outcomeOf(csr)).toBe('subject_refused')
    await issuing.profiles.post(document, act)
    expect(await outcomeOf(csr)).toBe(`starter-g${generation}`)
  })
})

describe('a profile that leaves it to an administrator', () => {
  const outcome = (csr: Uint8Array) => outcomeOf(csr, { issue: each => issuing.issue(each, refusing) })
  let releasing: Releasing

  beforeAll(async () => {
    const { document } = (await issuing.profiles.current('starter')).version
    await issuing.profiles.post({ ...document, name: refusing, afterCompromise: 'refuse' }, act)
    const { clock, randomBytes } = issuing.core
    const store = createReleaseStore(test.database)
    releasing = createReleasing({
      store,
      records: issuing.records,
      profiles: issuing.profiles,
      clock,
      randomBytes
    })
  })

  it('refuses the same CSR and a new one, until the issuance is released', async () => {
    const first = device('asked')
    const { record } = await issuing.issue(first, refusing)
    await expect(releasing.release(record.id, act, 'admin')).rejects.toMatchObject({
      code: 'issuance_not_releasable'
    })
    await compromise()
    await activateNext()
    expect([await outcome(first), await outcome(device('asked'))]).toEqual([
      'certificate_compromised',
      'certificate_compromised'
    ])
    const told = await detailOf(device('asked'), refusing)
    expect(told).toContain(`POST /v1/issuances/${record.id}/release`)
    expect(told).toContain(`by starter-g${generation}`)
    const released = await releasing.release(record.id, act, 'admin')
    expect(released.release).toMatchObject({ releasedBy: act.actor, releaseReason: act.reason })
    expect(await releasing.release(record.id, { ...act, reason: 'again' }, 'admin')).toEqual(released)
    const second = device('asked')
    expect(await outcome(second)).toBe(`starter-g${generation}`)
    expect(await issuing.issue(second, refusing)).toMatchObject({ replayed: true })
    // The release was for one certificate.
    expect(await outcome(device('asked'))).toBe('device_already_certified')
    expect(await outcome(first)).toBe('certificate_compromised')
  })

  it('is not asked for an issuance that has a later one', async () => {
    const { record } = await issuing.issue(device('twice'), refusing)
    await compromise()
    await activateNext()
    await releasing.release(record.id, act, 'admin')
    const { record: later } = await issuing.issue(device('twice'), refusing)
    // Released before, so that the same again changes nothing.
    expect(await releasing.release(record.id, act, 'admin')).toMatchObject({ id: record.id })
    const lenient = device('reissued')
    const { record: first } = await issuing.issue(lenient)
    await compromise()
    await activateNext()
    const { record: second } = await issuing.issue(lenient)
    const events = await test.database.prisma.auditEvent.count()
    const refusal = await releasing.release(first.id, act, 'admin').catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'issuance_not_releasable', members: { laterIssuance: second.id } })
    expect(isMintlineError(refusal) && refusal.detail).toContain(`GET /v1/issuances/${second.id}`)
    expect(await test.database.prisma.auditEvent.count()).toBe(events)
    // The latest one is released when it has ended.
    expect(await releasing.release(later.id, act, 'admin')).toMatchObject({ id: later.id })
  })

  it('is told the way to end an open one by its id', async () => {
    await leaveOpen(device('stuck'))
    const [open] = await test.database.prisma.openIntent.findMany({ orderBy: { intentId: 'desc' }, take: 1 })
    const refusal = await releasing.release(open!.intentId, act, 'admin').catch((error: unknown) => error)
    expect(isMintlineError(refusal) && refusal.detail).toContain(`POST /v1/issuances/${open!.intentId}/void`)
  })

  it('decides for what it issued, also where the same key is sent for another profile', async () => {
    // Where nothing else names the device, its key does.
    const { document } = (await issuing.profiles.current('starter')).version
    const { deviceIdentity: _identity, ...byKey } = document
    const template = { ...document.template, Resources: { ...(document.template!['Resources'] as object) } }
    delete (template.Resources as Record<string, unknown>)['thing']
    const lenient = { ...byKey, template, name: 'lenient' }
    await issuing.profiles.post(lenient, act)
    await issuing.profiles.post({ ...lenient, name: 'strict', afterCompromise: 'refuse' }, act)
    const [strict, reissued] = [device('by-key-1'), device('by-key-2')]
    const { record } = await issuing.issue(strict, 'strict')
    await issuing.issue(reissued, 'lenient')
    await compromise()
    await activateNext()
    await expect(issuing.issue(strict, 'lenient')).rejects.toMatchObject({ code: 'certificate_compromised' })
    expect(await detailOf(strict, 'lenient')).toContain(`POST /v1/issuances/${record.id}/release`)
    expect((await issuing.issue(reissued, 'strict')).record.authority).toBe(`starter-g${generation}`)
  })

  it('certifies a released device with the CSR it had, and says so while nothing is active', async () => {
    const csr = device('kept')
    const { record } = await issuing.issue(csr, refusing)
    await compromise()
    await releasing.release(record.id, act, 'admin')
    expect(await outcome(csr)).toBe('certificate_compromised')
    expect(await detailOf(csr, refusing)).toMatch(/Send the CSR again.*once an administrator has activated/)
    await activateNext()
    expect(await outcome(csr)).toBe(`starter-g${generation}`)
  })

  it('has one release and one event of it, however many release at once', async () => {
    const { record } = await issuing.issue(device('released'), refusing)
    await compromise()
    const all = await Promise.all(
      Array.from({ length: 10 }, async () => releasing.release(record.id, act, 'admin'))
    )
    expect(new Set(all.map(({ release }) => release!.releasedAt.getTime())).size).toBe(1)
    const where = { act: 'issuance.release', subject: `issuance/${record.id}` }
    expect(await test.database.prisma.auditEvent.count({ where })).toBe(1)
    await activateNext()
  })
})

describe('a generation that is retired', () => {
  const retire = (abandon: boolean) => administration.retire(`starter-g${generation - 1}`, { abandon }, act)

  it('finishes first what it has begun, or gives it up', async () => {
    const [finished, given] = [device('finished'), device('given-up')]
    await leaveOpen(finished)
    await leaveOpen(given)
    await activateNext()
    await expect(retire(false)).rejects.toMatchObject({ code: 'intents_open', members: { openIntents: 2 } })
    expect(await outcomeOf(finished)).toBe(`starter-g${generation - 1}`)
    await expect(retire(false)).rejects.toMatchObject({ members: { openIntents: 1 } })
    await retire(true)
    expect(await openIntents()).toBe(0)
    const { record, replayed } = await issuing.issue(given)
    expect([record.authority, replayed]).toEqual([`starter-g${generation}`, false])
    // It was delivered: it stands, and is handed out again.
    expect(await issuing.issue(finished)).toMatchObject({
      replayed: true,
      record: { authority: `starter-g${generation - 1}` }
    })
  })

  it('is retired without more where nothing is open', async () => {
    await activateNext()
    await retire(false)
    expect((await administration.find(`starter-g${generation - 1}`))[0]?.state).toBe('retired')
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
  it('leaves each request for the next generation, whether it had been issued or not', async () => {
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
        expect(after).toBe(`starter-g${generation}`)
        if (during[index] === compromised) seen.ended++
        else {
          expect(during[index]).toMatch(
            /^(authority_unavailable|signer_unavailable|overloaded|certificate_compromised)$/
          )
          seen.free++
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
