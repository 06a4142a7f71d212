import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createKeyStore } from '../../../src/aws/fleet/keys/key-store.ts'
import { createWalkStore } from '../../../src/aws/fleet/walk/walk-store.ts'
import { act } from '../../support/authority-administration.ts'
import { type FleetBench, openFleet, place } from './fleeting.ts'

let service: FleetBench
beforeAll(async () => {
  service = await openFleet()
})
afterAll(() => service.stop())

const hourMs = 60 * 60_000
let hours = 0
/** Later than all before. */
const next = () => new Date(Date.now() + ++hours * hourMs)

interface Ground {
  readonly authorityId: string
  readonly createdAt: Date
  readonly signedAt: Date
}

const prisma = () => service.test.database.prisma
const octets = (length = 32) => new Uint8Array(randomBytes(length))

const serial = () => Uint8Array.of(1, ...octets(15))

async function signCrl({ authorityId, createdAt, signedAt }: Ground) {
  const id = randomUUID()
  const number = BigInt(hours) + 1_000n
  await prisma().crlNumber.create({ data: { authorityId, number, takenAt: createdAt } })
  await prisma().crlChunk.create({ data: { intentId: id, position: 0, octets: octets(1) } })
  const times = { createdAt, thisUpdate: createdAt, nextUpdate: signedAt }
  const sizes = { entries: 0, finalEntries: 0, tbsOctets: 1, tbsSha256: octets() }
  await prisma().crlIntent.create({ data: { id, authorityId, number, ...times, ...sizes } })
  const signature = { signatureAlgorithm: 'ecdsa-sha256', signature: octets(64) }
  await prisma().crl.create({ data: { intentId: id, signedAt, ...signature, octets: 1, sha256: octets() } })
}

async function certifyResponder({ authorityId, createdAt, signedAt }: Ground) {
  const id = randomUUID()
  const tbs = { serialNumber: serial(), tbsDer: octets() }
  await prisma().ocspResponderIntent.create({ data: { id, createdAt, authorityId, ...tbs } })
  await prisma().ocspResponder.create({
    data: { intentId: id, certificateDer: octets(), issuedAt: signedAt }
  })
}

async function verify({ createdAt, signedAt }: Ground) {
  const { registrationId } = service
  const id = randomUUID()
  const tbs = { registrationCode: 'a'.repeat(64), serialNumber: serial(), tbsDer: octets() }
  await prisma().awsVerification.create({ data: { id, registrationId, number: hours, ...tbs, createdAt } })
  await prisma().awsVerificationCertificate.create({
    data: { verificationId: id, certificateDer: octets(), createdAt: signedAt }
  })
}

it.each([
  ['a CRL', signCrl],
  ['the certificate of an OCSP responder', certifyResponder],
  ['a verification certificate for AWS', verify]
])('%s that was signed long after it was asked for explains a use of the key then', async (_, sign) => {
  await service.reconciliations.begin({ things: 'none' }, act)
  const [walk] = await createWalkStore(service.test.database).listOpen(place)
  const { authorityId } = walk!
  const [createdAt, signedAt] = [next(), next()]
  await sign({ authorityId, createdAt, signedAt })
  const keys = createKeyStore(service.test.database, service.core.search)
  expect((await keys.findOwnUses(walk!)).lastAt).toEqual(signedAt)
  await service.runSent()
})

it('finds what was completed late among more than it looks at in one step, and gives up when the service stops', async () => {
  const { id } = await service.issue()
  await service.reconciliations.begin({ things: 'none' }, act)
  const [walk] = await createWalkStore(service.test.database).listOpen(place)
  const { issuedAt } = await prisma().issued.findFirstOrThrow({ where: { intentId: id } })
  // Asked for later than that one, none of them with an outcome.
  await prisma().$executeRaw`
    INSERT INTO intent SELECT (jsonb_populate_record(intent, jsonb_build_object(
      'id', left(id::text, 19) || 'bfff' || substr(id::text, 24, 9) || lpad(to_hex(each), 4, '0'), 'serial_number', '\\x' || lpad(to_hex(each), 16, '01')
    ))).* FROM intent, generate_series(1, 2500) AS each WHERE id = ${id}::uuid`
  const keys = createKeyStore(service.test.database, service.core.search)
  expect(await keys.hasLateCompletion(walk!, issuedAt, new AbortController().signal)).toBe(true)
  const later = new Date(issuedAt.getTime() + 1)
  expect(await keys.hasLateCompletion(walk!, later, new AbortController().signal)).toBe(false)
  const reason = new Error('stopping')
  await expect(keys.hasLateCompletion(walk!, later, AbortSignal.abort(reason))).rejects.toBe(reason)
  await service.runSent()
})
