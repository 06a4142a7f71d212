import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoredAuthority } from '../../src/authorities/authority-store.ts'
import { createAuthorityStore } from '../../src/authorities/authority-store.ts'
import {
  provideVerification,
  type VerificationDependencies
} from '../../src/aws/registrations/verification/verification.ts'
import { createVerificationStore } from '../../src/aws/registrations/verification/verification-store.ts'
import { parseTbsCertificate } from '../../src/pki/certificate/certificate.ts'
import { buildName } from '../../src/pki/name/name.ts'
import { act } from '../support/authority-administration.ts'
import { asAuthority, changeRow, rebuilt } from '../support/forgery/forgery.ts'
import { WatchedSigning } from '../support/forgery/watched-signing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { jitr, type Registering, startRegistering } from './registering.ts'

let test: TestDatabase
let data: TemporaryDirectory
let registering: Registering
let authority: StoredAuthority
const signing = new WatchedSigning()
const tamper = (id: string, columns: Readonly<Record<string, unknown>>) =>
  changeRow(test.owner, { table: 'aws_verification', id, columns })
let dependencies: VerificationDependencies

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  registering = await startRegistering(test.database, data.path)
  const { openSigner, clock, randomBytes } = registering.dependencies
  authority = (await createAuthorityStore(test.database).list()).find(({ name }) => name === 'starter-g1')!
  dependencies = {
    store: createVerificationStore(test.database),
    clock,
    randomBytes,
    openSigner: async reference => signing.wrap(await openSigner(reference))
  }
})

afterAll(async () => {
  registering.close()
  await test.drop()
  await data.remove()
})

let regions = 0
const registrationCode = 'c0de'.repeat(16)

/** A verification certificate that was cut off before its signature, and what the next run asks for. */
async function openVerification() {
  const region = `eu-damaged-${++regions}`
  const { id: registrationId } = await registering.registrations.post('starter-g1', { ...jitr, region }, act)
  const request = { registrationId, authority, registrationCode, onStep: async () => undefined }
  signing.isAway = true
  await expect(provideVerification(dependencies, request)).rejects.toThrow('away')
  signing.isAway = false
  const row = await test.database.prisma.awsVerification.findFirstOrThrow({ where: { registrationId } })
  return { request, row }
}

const day = 86_400_000

const later = (date: Date, days: number) => new Date(date.getTime() + days * day)

const forgeries: readonly [string, (tbsDer: Uint8Array) => Uint8Array][] = [
  ['a CA certificate', asAuthority],
  ["a device's subject", tbs => rebuilt(tbs, { subjectNameDer: buildName({ CommonName: 'pump-1' }) })],
  [
    'more than the code in its subject',
    tbs => rebuilt(tbs, { subjectNameDer: buildName({ Country: 'US', CommonName: registrationCode }) })
  ],
  ['another serial number', tbs => rebuilt(tbs, { serialNumber: new Uint8Array(16).fill(0x41) })],
  ['another issuer', tbs => rebuilt(tbs, { issuerNameDer: buildName({ CommonName: 'Another CA' }) })],
  ['another key usage', tbs => rebuilt(tbs, { keyUsage: ['digitalSignature', 'nonRepudiation'] })],
  ['another purpose', tbs => rebuilt(tbs, { extendedKeyUsage: ['clientAuth', 'serverAuth'] })],
  ['a life of years', tbs => rebuilt(tbs, { notAfter: later(parseTbsCertificate(tbs).notAfter, 3_000) })],
  ['nothing', () => new Uint8Array()],
  ['noise', () => crypto.getRandomValues(new Uint8Array(300))],
  ['bytes behind it', tbs => Uint8Array.of(...tbs, 0)]
]

describe('an open verification certificate that was changed in the database', () => {
  const isRefused = async (open: Awaited<ReturnType<typeof openVerification>>) => {
    const before = signing.signatures
    for (let run = 1; run <= 2; run++) {
      const outcome = await provideVerification(dependencies, open.request).catch((error: unknown) => error)
      expect(outcome).toMatchObject({ code: 'record_damaged' })
    }
    expect(signing.signatures).toBe(before)
  }

  it.each(forgeries)('into %s is not signed', async (_name, forge) => {
    const open = await openVerification()
    await tamper(open.row.id, { tbs_der: forge(open.row.tbsDer) })
    await isRefused(open)
  })

  it('in its certificate and its time alike is not signed', async () => {
    const open = await openVerification()
    const { notAfter } = parseTbsCertificate(open.row.tbsDer)
    await tamper(open.row.id, {
      created_at: later(open.row.createdAt, 3_000),
      tbs_der: rebuilt(open.row.tbsDer, { notAfter: later(notAfter, 3_000) })
    })
    await isRefused(open)
  })

  it('is not in the way of another registration', async () => {
    const damaged = await openVerification()
    await tamper(damaged.row.id, { tbs_der: new Uint8Array() })
    await isRefused(damaged)
    const { request } = await openVerification()
    expect((await provideVerification(dependencies, request)).length).toBeGreaterThan(0)
  })
})

it('an open verification certificate that nobody changed gets its signature', async () => {
  const { request, row } = await openVerification()
  const certificateDer = await provideVerification(dependencies, request)
  expect(Buffer.from(certificateDer).includes(Buffer.from(row.tbsDer))).toBe(true)
})
