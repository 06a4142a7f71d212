import { createHash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ErrorCode, MintlineError } from '../../src/errors/mintline-error.ts'
import {
  encodeElement,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString
} from '../../src/pki/der/writer.ts'
import { buildName } from '../../src/pki/name/name.ts'
import type { ProfileDocument } from '../../src/profiles/document.ts'
import { csrNotesOf } from '../../src/records/csr-notes.ts'
import type { Signer } from '../../src/signing/signers/signer.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import {
  makeCertificationRequest,
  makeDeviceKey,
  signCertificationRequest
} from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let signed: Uint8Array[]
let spoil: ((signature: Uint8Array) => Uint8Array | Promise<Uint8Array>) | undefined

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  signed = []
  issuing = await startIssuing(test.database, directory.path, { wrapSigner })
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

function wrapSigner(signer: Signer): Signer {
  return {
    ...signer,
    async sign(toBeSignedDer) {
      signed.push(toBeSignedDer)
      const signature = await signer.sign(toBeSignedDer)
      return spoil === undefined ? signature : spoil(signature)
    }
  }
}

let lastDevice = 0
const newDevice = () => ({ Country: 'US', CommonName: `device-${++lastDevice}` })

async function refusal(attempt: Promise<unknown>, code: ErrorCode): Promise<MintlineError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  expect(error).toBeInstanceOf(MintlineError)
  expect((error as MintlineError).code).toBe(code)
  return error as MintlineError
}

/** Runs `use` while every insert into a table fails, as a full disk would make it fail. */
async function whileInsertsFail(table: string, use: () => Promise<void>): Promise<void> {
  const { prisma } = test.owner
  await prisma.$executeRawUnsafe(
    `CREATE FUNCTION fail_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$`
  )
  await prisma.$executeRawUnsafe(
    `CREATE TRIGGER fail_insert BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION fail_insert()`
  )
  try {
    await use()
  } finally {
    await prisma.$executeRawUnsafe('DROP FUNCTION fail_insert CASCADE')
  }
}

describe('a new request', () => {
  it('gets a certificate that is on record, byte for byte', async () => {
    const subject = newDevice()
    const { record, replayed } = await issuing.issue(makeCertificationRequest(subject), 'starter', {
      metadata: { fixture: 'A7' }
    })
    expect(replayed).toBe(false)
    expect(record).toMatchObject({ outcome: 'issued', profile: 'starter', authority: 'starter-g1', subject })
    expect(record.certificateId).toBe(createHash('sha256').update(record.certificateDer).digest('hex'))
    expect(await issuing.records.find(record.id)).toEqual(record)
  })

  it('gets the issuing CA below its certificate, and is signed by it', async () => {
    const { record } = await issuing.issue(makeCertificationRequest(newDevice()))
    const [device, authority] = record.chainDer.map(der => new X509Certificate(der))
    expect(record.chainDer).toHaveLength(2)
    expect(device!.checkIssued(authority!)).toBe(true)
    expect(device!.verify(authority!.publicKey)).toBe(true)
  })

  it('is signed once, over the very bytes of its intent', async () => {
    signed.length = 0
    const { record } = await issuing.issue(makeCertificationRequest(newDevice()))
    const intent = await test.database.prisma.intent.findUniqueOrThrow({ where: { id: record.id } })
    expect(signed).toHaveLength(1)
    expect(Buffer.from(signed[0]!)).toEqual(Buffer.from(intent.tbsDer))
    expect(Buffer.from(record.certificateDer).includes(intent.tbsDer)).toBe(true)
  })

  it('never outlives the authority', async () => {
    const [authority] = issuing.authorities.list()
    const endOfLife = new Date(authority!.certificate.notAfter.getTime() - 86_400_000)
    const late = await startIssuing(test.database, directory.path, { clock: () => endOfLife })
    const { record } = await late.issue(makeCertificationRequest(newDevice()))
    expect(record.notAfter).toEqual(authority!.certificate.notAfter)
    await issuing.profiles.post(
      { ...starterProfile, name: 'strict-end', validity: { days: 3650, whenIssuerExpiresFirst: 'refuse' } },
      administrator
    )
    await refusal(late.issue(makeCertificationRequest(newDevice()), 'strict-end'), 'authority_expires_first')
  })
})

describe('the same request again', () => {
  it('gets the same bytes, in this process and in the next', async () => {
    const csr = makeCertificationRequest(newDevice())
    const first = await issuing.issue(csr)
    signed.length = 0
    const again = await issuing.issue(csr)
    const restarted = await startIssuing(test.database, directory.path, { wrapSigner })
    const later = await restarted.issue(csr)
    expect(again).toEqual({ record: first.record, replayed: true })
    expect(later).toEqual({ record: first.record, replayed: true })
    expect(signed).toHaveLength(0)
  })

  it('is the same whatever the string types and the order of its subject', async () => {
    const key = makeDeviceKey()
    const subject = newDevice()
    const first = await issuing.issue(makeCertificationRequest(subject, key))
    const attribute = (oid: string, tag: number, value: string) =>
      encodeSetOf(encodeSequence(encodeObjectIdentifier(oid), encodeString(tag, value)))
    const printable = 0x13
    const turned = encodeSequence(
      attribute('2.5.4.3', printable, subject.CommonName),
      attribute('2.5.4.6', printable, subject.Country)
    )
    const again = await issuing.issue(signCertificationRequest(turned, key))
    expect(again).toEqual({ record: first.record, replayed: true })
  })

  it('gets the same bytes when today’s rules would refuse it', async () => {
    const profile = { ...starterProfile, name: 'getting-strict' }
    await issuing.profiles.post(profile, administrator)
    const key = makeDeviceKey()
    const csr = makeCertificationRequest(newDevice(), key)
    const first = await issuing.issue(csr, profile.name)
    await issuing.profiles.post(
      { ...profile, subject: { ...profile.subject, CommonName: { rule: 'required', pattern: 'none' } } },
      administrator
    )
    expect(await issuing.issue(csr, profile.name)).toEqual({ record: first.record, replayed: true })
    await refusal(issuing.issue(makeCertificationRequest(newDevice()), profile.name), 'subject_refused')
    await refusal(issuing.issue(makeCertificationRequest(newDevice(), key), profile.name), 'subject_refused')
  })

  it('a hundred times at once is one certificate and one signature', async () => {
    signed.length = 0
    const csr = makeCertificationRequest(newDevice())
    const results = await Promise.all(Array.from({ length: 100 }, () => issuing.issue(csr)))
    expect(signed).toHaveLength(1)
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1)
    for (const { record } of results) expect(record).toEqual(results[0]!.record)
  })

  it('through two processes at once is one certificate', async () => {
    const other = await createTestDatabaseClient()
    const second = await startIssuing(other.database, directory.path)
    for (let round = 0; round < 5; round++) {
      const requests = Array.from({ length: 10 }, () => makeCertificationRequest(newDevice()))
      const [here, there] = await Promise.all([
        Promise.all(requests.map(csr => issuing.issue(csr))),
        Promise.all(requests.map(csr => second.issue(csr)))
      ])
      expect(there.map(({ record }) => record)).toEqual(here.map(({ record }) => record))
    }
    await other.close()
  })
})

describe('a request against an earlier one', () => {
  it('with the same key and another subject is refused and names the earlier', async () => {
    const key = makeDeviceKey()
    const { record } = await issuing.issue(makeCertificationRequest(newDevice(), key))
    const error = await refusal(
      issuing.issue(makeCertificationRequest(newDevice(), key)),
      'key_already_certified'
    )
    expect(error.members['earlierIssuance']).toMatchObject({
      id: record.id,
      serialNumber: record.serialNumber
    })
  })

  it('with the same key and another profile is refused', async () => {
    await issuing.profiles.post({ ...starterProfile, name: 'other' }, administrator)
    const csr = makeCertificationRequest(newDevice())
    await issuing.issue(csr)
    await refusal(issuing.issue(csr, 'other'), 'key_already_certified')
  })

  it('with the same device and another key is refused and names the earlier', async () => {
    const subject = newDevice()
    const { record } = await issuing.issue(makeCertificationRequest(subject))
    const error = await refusal(issuing.issue(makeCertificationRequest(subject)), 'device_already_certified')
    expect(error.members['earlierIssuance']).toMatchObject({ id: record.id })
    expect(error.violations).toMatchObject([
      { pointer: '/subject/CommonName', found: JSON.stringify(subject.CommonName) }
    ])
  })

  it('says what was let pass in the CSR, in the answer and on record', async () => {
    await issuing.profiles.post(
      { ...starterProfile, name: 'notes', dropAttributes: ['Locality'] },
      administrator
    )
    const nullParameters = Buffer.from('300c06082a8648ce3d0403020500', 'hex')
    const name = buildName({ Country: 'US', CommonName: 'A\u0421ME-1', Locality: 'Bern' })
    const csr = signCertificationRequest(name, makeDeviceKey(), { signatureAlgorithmDer: nullParameters })
    const { record } = await issuing.issue(csr, 'notes')
    const found = await issuing.records.find(record.id)
    if (found.outcome !== 'issued') throw new TypeError('not issued')
    for (const each of [record, found]) {
      expect(csrNotesOf(each).map(({ code, pointer }) => [code, pointer])).toEqual([
        ['null_parameters', '/signatureAlgorithm'],
        ['attribute_dropped', '/subject/Locality'],
        ['lookalike', '/subject/CommonName']
      ])
    }
  })

  it('is refused on record when it has no subject', async () => {
    const csr = signCertificationRequest(buildName({}), makeDeviceKey())
    const open: ProfileDocument = { ...starterProfile, name: 'open', subject: {}, template: bareTemplate }
    delete open.deviceIdentity
    await issuing.profiles.post(open, administrator)
    const error = await refusal(issuing.issue(csr, 'open'), 'subject_refused')
    expect(error.violations).toMatchObject([{ pointer: '/subject' }])
    expect(await issuing.records.find(error.members['issuanceId'] as string)).toMatchObject({
      outcome: 'rejected',
      code: 'subject_refused'
    })
  })

  it('is another device where the profile says that the key is the identity', async () => {
    const profile: ProfileDocument = { ...starterProfile, name: 'by-key' }
    delete profile.deviceIdentity
    await issuing.profiles.post(profile, administrator)
    const subject = newDevice()
    await issuing.issue(makeCertificationRequest(subject), 'by-key')
    const { replayed } = await issuing.issue(makeCertificationRequest(subject), 'by-key')
    expect(replayed).toBe(false)
  })

  it.each([
    ['another case', 'Look-Alike', 'look-alike'],
    ['another composition of the same characters', 'caf\u00e9', 'cafe\u0301']
  ])('is the same device in %s', async (_, first, second) => {
    await issuing.issue(makeCertificationRequest({ Country: 'US', CommonName: first }))
    const attempt = issuing.issue(makeCertificationRequest({ Country: 'US', CommonName: second }))
    const { violations } = await refusal(attempt, 'device_already_certified')
    expect(violations).toMatchObject([
      {
        pointer: '/subject/CommonName',
        found: `${JSON.stringify(second)}, on record as ${JSON.stringify(first)}`
      }
    ])
  })

  it('loses to exactly one of fifty keys that claim one device at once', async () => {
    const subject = newDevice()
    const attempts = await Promise.allSettled(
      Array.from({ length: 50 }, () => issuing.issue(makeCertificationRequest(subject)))
    )
    const codes = attempts.map(attempt =>
      attempt.status === 'rejected' ? (attempt.reason as MintlineError).code : 'ok'
    )
    expect(codes.filter(code => code === 'ok')).toHaveLength(1)
    expect(codes.filter(code => code === 'device_already_certified')).toHaveLength(49)
  })
})

describe('a refusal', () => {
  it('is on record with code, violations and the CSR as it was sent', async () => {
    const csr = makeCertificationRequest({ Country: 'us', Locality: 'Bern' })
    const error = await refusal(
      issuing.issue(csr, 'starter', { metadata: { operator: '17' } }),
      'subject_refused'
    )
    const record = await issuing.records.find(error.members['issuanceId'] as string)
    expect(error.violations.map(({ pointer }) => pointer)).toEqual([
      '/subject/Country',
      '/subject/CommonName',
      '/subject/Locality'
    ])
    expect(record).toMatchObject({
      outcome: 'rejected',
      code: 'subject_refused',
      violations: error.violations,
      station: issuing.station.name,
      profile: 'starter',
      profileVersion: 1,
      authority: 'starter-g1',
      metadata: { operator: '17' }
    })
    expect(record.outcome === 'rejected' && Buffer.from(record.csr)).toEqual(Buffer.from(csr))
  })

  it('of bytes that are no CSR keeps the bytes', async () => {
    const junk = Buffer.from('this is not a CSR')
    const error = await refusal(issuing.issue(junk), 'csr_malformed')
    const record = await issuing.records.find(error.members['issuanceId'] as string)
    expect(record.outcome === 'rejected' && Buffer.from(record.csr)).toEqual(junk)
  })

  it.each([
    ['NUL', 'a\0b'],
    ['a control character', 'a\u0007b'],
    ['characters outside the basic plane', '\u{1f527}'.repeat(65)]
  ])('of a subject with %s is on record too', async (_, commonName) => {
    const key = makeDeviceKey()
    const name = encodeSequence(
      encodeSetOf(encodeSequence(encodeObjectIdentifier('2.5.4.6'), encodeString(0x13, 'US'))),
      encodeSetOf(encodeSequence(encodeObjectIdentifier('2.5.4.3'), encodeString(0x0c, commonName)))
    )
    const error = await refusal(issuing.issue(signCertificationRequest(name, key)), 'subject_refused')
    expect(await issuing.records.find(error.members['issuanceId'] as string)).toMatchObject({
      outcome: 'rejected',
      violations: error.violations
    })
  })

  it('takes neither key nor device', async () => {
    const key = makeDeviceKey()
    const subject = newDevice()
    await refusal(
      issuing.issue(makeCertificationRequest({ ...subject, Country: 'us' }, key)),
      'subject_refused'
    )
    const { replayed } = await issuing.issue(makeCertificationRequest(subject, key))
    expect(replayed).toBe(false)
  })

  it('that cannot be recorded is not given', async () => {
    await whileInsertsFail('refusal', async () => {
      await refusal(issuing.issue(Buffer.from('no CSR')), 'database_unavailable')
    })
  })

  it('names an unknown profile', async () => {
    await refusal(issuing.issue(makeCertificationRequest(newDevice()), 'nowhere'), 'profile_not_found')
  })
})

describe('what fails on the way', () => {
  it('before the intent is durable uses the CA key not once', async () => {
    signed.length = 0
    const csr = makeCertificationRequest(newDevice())
    await whileInsertsFail('intent', async () => {
      await refusal(issuing.issue(csr), 'database_unavailable')
    })
    expect(signed).toHaveLength(0)
    const { replayed } = await issuing.issue(csr)
    expect(replayed).toBe(false)
  })

  it('at the record leaves an intent that says everything, and a retry completes it', async () => {
    const key = makeDeviceKey()
    const csr = makeCertificationRequest(newDevice(), key)
    await whileInsertsFail('issued', async () => {
      await refusal(issuing.issue(csr), 'database_unavailable')
    })
    const { items } = await issuing.records.list({ outcome: 'unknown', limit: 10 })
    expect(items).toHaveLength(1)
    const [open] = items
    const intent = await test.database.prisma.intent.findUniqueOrThrow({ where: { id: open!.id } })
    expect(Buffer.from(intent.spkiSha256)).toEqual(createHash('sha256').update(key.spkiDer).digest())
    const { record, replayed } = await issuing.issue(csr)
    expect(replayed).toBe(true)
    expect(record.id).toBe(open!.id)
    expect(record.serialNumber).toBe(open!.outcome === 'unknown' && open!.serialNumber)
    expect((await issuing.records.list({ outcome: 'unknown', limit: 10 })).items).toEqual([])
  })

  it.each<[string, (signature: Uint8Array) => Uint8Array]>([
    ['a flipped bit', signature => signature.map((octet, index) => (index === 20 ? octet ^ 1 : octet))],
    ['a cut signature', signature => signature.subarray(0, -1)],
    ['an empty signature', () => new Uint8Array()],
    ['a trailing octet', signature => Uint8Array.of(...signature, 0)],
    ['something else in DER', () => encodeSequence(encodeElement(0x02, Uint8Array.of(1)))]
  ])('in the signer is found out: %s', async (_, spoilt) => {
    const csr = makeCertificationRequest(newDevice())
    spoil = spoilt
    await refusal(issuing.issue(csr), 'certificate_mismatch')
    spoil = undefined
    const { record } = await issuing.issue(csr)
    expect(record.outcome).toBe('issued')
  })

  it('in the signer is made good by the next retry, which waits for no other process', async () => {
    const patient = await startIssuing(test.database, directory.path, { wrapSigner, resumeAfterMs: 60_000 })
    const csr = makeCertificationRequest(newDevice())
    spoil = () => Promise.reject(new MintlineError('signer_unavailable', 'away', { retryAfterSeconds: 1 }))
    await refusal(patient.issue(csr), 'signer_unavailable')
    await refusal(patient.issue(csr), 'signer_unavailable')
    spoil = undefined
    const start = performance.now()
    const { record, replayed } = await patient.issue(csr)
    // An intent of which this process knows nothing is waited for a minute.
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(record.outcome).toBe('issued')
    expect(replayed).toBe(true)
    const { items } = await patient.records.list({ outcome: 'unknown', limit: 10 })
    expect(items).toEqual([])
  })

  it('in the signer of another process is waited for as long as that may be at work', async () => {
    const other = await startIssuing(test.database, directory.path, { wrapSigner, resumeAfterMs: 1_500 })
    const csr = makeCertificationRequest(newDevice())
    spoil = () => Promise.reject(new MintlineError('signer_unavailable', 'away', { retryAfterSeconds: 1 }))
    await refusal(issuing.issue(csr), 'signer_unavailable')
    spoil = undefined
    signed.length = 0
    const retry = other.issue(csr)
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(signed).toHaveLength(0)
    expect((await retry).record.outcome).toBe('issued')
    expect(signed).toHaveLength(1)
  })

  it('while one signature is slow, a retry waits for it instead of making another', async () => {
    const csr = makeCertificationRequest(newDevice())
    signed.length = 0
    const gate = Promise.withResolvers<void>()
    spoil = signature => gate.promise.then(() => signature)
    const first = issuing.issue(csr)
    await expect.poll(() => signed.length).toBe(1)
    const retry = issuing.issue(csr)
    await new Promise(resolve => setTimeout(resolve, 200))
    gate.resolve()
    spoil = undefined
    expect((await retry).record).toEqual((await first).record)
    expect(signed).toHaveLength(1)
  })
})

async function createTestDatabaseClient() {
  const { createDatabase } = await import('../../src/database/database.ts')
  const database = createDatabase({ connectionString: test.connectionString, poolSize: 3 })
  return { database, close: () => database.close() }
}

const bareTemplate = {
  Parameters: { 'AWS::IoT::Certificate::Id': { Type: 'String' } },
  Resources: {
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: { CertificateId: { Ref: 'AWS::IoT::Certificate::Id' }, Status: 'ACTIVE' }
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'sensor' } }
  }
}
