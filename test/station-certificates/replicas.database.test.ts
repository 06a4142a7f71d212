import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClientCertificates } from '../../src/access/client-certificate/client-certificates.ts'
import { hasToken, type StationPrincipal } from '../../src/access/principal.ts'
import { createAuthorityServices } from '../../src/composition/authority-services.ts'
import type { Core } from '../../src/composition/core.ts'
import { createIssuancePath } from '../../src/composition/issuance-path.ts'
import { openStationCertifying } from '../../src/composition/station-certificates/certifying.ts'
import { noWeakKeys } from '../../src/factory/weak-keys/weak-keys.ts'
import { encodeCertificatePem } from '../../src/pki/pem/pem.ts'
import { judgeClientTrust } from '../../src/tls/client-trust/client-trust.ts'
import { withOwnAuthorities } from '../../src/tls/client-trust/own-authorities.ts'
import { someSubject } from '../http/service.ts'
import { type DeviceKey, makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let one: Issuing
let another: Issuing
let isCutOff = false
let stations = 0

const dayMs = 86_400_000

/** As a worker puts it together. */
function open({ core }: Issuing) {
  const on: Core = { ...core, config: { ...core.config, stationCertificates: true } }
  const { blockedKeys } = createIssuancePath(core, core.stops)
  return openStationCertifying(on, { blockedKeys, weakKeys: noWeakKeys })
}

async function makeStation(): Promise<StationPrincipal> {
  const { core } = one
  const name = `replica-${++stations}`
  await core.stations.create({ name, profiles: ['starter'] }, administrator)
  const { secret } = await core.tokens.create({ role: 'station', name, station: name }, administrator)
  const principal = await core.tokens.authenticate(secret)
  if (!hasToken(principal)) throw new TypeError('A token has an id')
  return principal
}

const ask = (certifying: ReturnType<typeof open>, station: StationPrincipal, key: DeviceKey) =>
  certifying.certify({
    csr: makeCertificationRequest({ CommonName: 'x' }, key),
    station,
    requestId: crypto.randomUUID()
  })

const countIntents = async (station: StationPrincipal) =>
  test.database.prisma.stationCertificateIntent.count({ where: { station: { name: station.name } } })

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  one = await startIssuing(test.database, directory.path, {
    onStep(step) {
      if (isCutOff && step === 'before the signature') throw new Error('cut off')
    }
  })
  another = await startIssuing(test.database, directory.path)
  const listRegistrationGaps = async () => []
  const { administration } = createAuthorityServices(one.core, { listRegistrationGaps })
  const name = await administration.create(
    {
      line: 'for-stations',
      purpose: 'stations',
      key: { kind: 'local', keyType: 'P-256' },
      subject: { CommonName: 'Stations' },
      certificate: { kind: 'self-signed', days: 3_650 }
    },
    administrator
  )
  await administration.activate(name, administrator)
  await another.core.authorities.refresh()
  await one.core.stationProfiles.put({ authority: 'for-stations' }, administrator)
})
afterAll(async () => {
  await one.core.stops.disposeAsync()
  await another.core.stops.disposeAsync()
  await test.drop()
  await directory.remove()
})

describe('the certificate of a station', () => {
  it('that was cut off after its intent is completed by a retry at another process, with the same serial number', async () => {
    const station = await makeStation()
    const key = makeDeviceKey()
    isCutOff = true
    await expect(ask(open(one), station, key)).rejects.toThrow('cut off')
    isCutOff = false
    const [intent] = await test.database.prisma.stationCertificateIntent.findMany({
      where: { station: { name: station.name } },
      include: { certificate: true }
    })
    expect(intent).toMatchObject({ certificate: null })
    const { certificate } = await ask(open(another), station, key)
    expect([certificate.id, Buffer.from(certificate.serialNumber).toString('hex')]).toEqual([
      intent!.id,
      Buffer.from(intent!.serialNumber).toString('hex')
    ])
    expect(await countIntents(station)).toBe(1)
    const again = await ask(open(one), station, key)
    expect(again.replayed).toBe(true)
    expect(again.certificate.certificateDer).toEqual(certificate.certificateDer)
  })

  it('is one, where two processes are asked at once', async () => {
    const station = await makeStation()
    const key = makeDeviceKey()
    const both = [open(one), open(another)]
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ask(both[index % 2]!, station, key))
    )
    const texts = answers.map(({ certificate }) => Buffer.from(certificate.certificateDer).toString('base64'))
    expect(new Set(texts).size).toBe(1)
    expect(await countIntents(station)).toBe(1)
  })

  it('is not made of an open intent that says something else than its rules make', async () => {
    const [station, victim] = [await makeStation(), await makeStation()]
    const key = makeDeviceKey()
    const ofVictim = await ask(open(one), victim, makeDeviceKey())
    isCutOff = true
    await expect(ask(open(one), station, key)).rejects.toThrow('cut off')
    isCutOff = false
    const [intent] = await test.database.prisma.stationCertificateIntent.findMany({
      where: { station: { name: station.name } }
    })
    const forged = await test.database.prisma.stationCertificateIntent.findUniqueOrThrow({
      where: { id: ofVictim.certificate.id }
    })
    // Newer than the one that was cut off, as by somebody who can write to the database.
    const { core } = one
    await test.owner.prisma.stationCertificateIntent.create({
      data: {
        ...intent!,
        id: `${intent!.id.slice(0, -12)}ffffffffffff`,
        serialNumber: forged.serialNumber,
        tbsDer: forged.tbsDer
      }
    })
    const { certificate } = await ask(open(one), station, key)
    expect(new X509Certificate(certificate.certificateDer).subject).toBe(`CN=${station.name}`)
    expect(certificate.id).not.toBe(`${intent!.id.slice(0, -12)}ffffffffffff`)
    expect(await core.stations.find(station.name)).toBeDefined()
  })

  it('is refused once it has ended, and by who takes no certificates of stations', async () => {
    const station = await makeStation()
    const { certificate } = await ask(open(one), station, makeDeviceKey())
    const { core } = one
    const at = (days: number, takesStations = true) =>
      createClientCertificates({
        trust: () => withOwnAuthorities(undefined, core.authorities.list(), { takesStations }),
        stations: core.stationCertificates,
        clock: () => new Date(Date.now() + days * dayMs)
      }).authenticate([certificate.certificateDer])
    expect(await at(89)).toMatchObject({ role: 'station', name: station.name })
    await expect(at(91)).rejects.toMatchObject({
      code: 'client_certificate_refused',
      violations: [{ pointer: '/clientCertificate/notAfter' }]
    })
    await expect(at(0, false)).rejects.toMatchObject({
      code: 'client_certificate_refused',
      violations: [{ pointer: '/clientCertificate/issuer' }]
    })
  })

  it('of a device lets nobody in, though the file names the CA of devices', async () => {
    const { core } = one
    const { record } = await one.issue(makeCertificationRequest(someSubject()))
    const [ca] = core.authorities.list().filter(({ line }) => line === 'starter')
    const names = { authorities: 'A', revocationLists: 'B' }
    const text = { authoritiesPem: encodeCertificatePem(ca!.certificateDer), revocationListsPem: undefined }
    const { trust: files } = await judgeClientTrust(text, names)
    const station = await makeStation()
    const fingerprint = new X509Certificate(record.certificateDer).fingerprint256
    await core.stations.change(
      station.name,
      { clientIdentities: [`fingerprint:${fingerprint.replaceAll(':', '').toLowerCase()}`] },
      administrator
    )
    const byTrust = (trust: NonNullable<typeof files>) =>
      createClientCertificates({
        trust: () => trust,
        stations: core.stationCertificates,
        clock: () => new Date()
      }).authenticate([record.certificateDer])
    // What the file alone would do.
    expect(await byTrust(files!)).toMatchObject({ name: station.name })
    const joined = withOwnAuthorities(files, core.authorities.list(), { takesStations: true })
    await expect(byTrust(joined)).rejects.toMatchObject({
      code: 'client_certificate_refused',
      violations: [{ pointer: '/clientCertificate/issuer' }]
    })
  })
})
