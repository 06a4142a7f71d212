import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StationPrincipal } from '../../src/access/principal.ts'
import type { StationChange } from '../../src/factory/stations/station.ts'
import {
  type Certificate,
  certificateIdHex,
  parseCertificate
} from '../../src/pki/certificate/certificate.ts'
import { someSubject } from '../http/service.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let certificate: Certificate
let fingerprint: string

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  // Whose it is does not matter here, only that it is one.
  const issued = await issuing.issue(makeCertificationRequest(someSubject()))
  certificate = parseCertificate(issued.record.certificateDer)
  fingerprint = `fingerprint:${certificateIdHex(certificate.der)}`
})
afterAll(async () => {
  await issuing.core.stops.disposeAsync()
  await test.drop()
  await directory.remove()
})

let stations = 0
const makeStation = async (clientIdentities: readonly string[]) => {
  const name = `station-${++stations}`
  await issuing.core.stations.create({ name, profiles: ['starter'], clientIdentities }, administrator)
  return name
}
const change = (name: string, to: StationChange) => issuing.core.stations.change(name, to, administrator)
const find = () => issuing.core.stationCertificates.find(certificate, 'file')

describe('the certificate of a station', () => {
  it('is kept once, also where a hundred come at once', async () => {
    const name = await makeStation([fingerprint])
    const found = await Promise.all(Array.from({ length: 100 }, find))
    expect(new Set(found.map(held => held?.id)).size).toBe(1)
    expect(found[0]).toMatchObject({ identity: fingerprint, station: { name } })
    const { items } = await issuing.core.stations.listCertificates(name, { limit: 10 })
    expect(items.map(({ id }) => id)).toEqual([found[0]!.id])
    await change(name, { clientIdentities: [] })
    expect(await find()).toBeUndefined()
  })

  it('is one station’s, whichever of two is first', async () => {
    const made = await Promise.allSettled([makeStation([fingerprint]), makeStation([fingerprint])])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const { name } = (await find())!.station
    const other = await makeStation([])
    await expect(change(other, { clientIdentities: [fingerprint] })).rejects.toMatchObject({
      code: 'station_invalid'
    })
    const before = (await find())!
    await change(name, { clientIdentities: [] })
    await change(other, { clientIdentities: [fingerprint] })
    const after = (await find())!
    expect(after.station.name).toBe(other)
    // Records of before name it as it was then.
    expect(after.id).not.toBe(before.id)
    await change(other, { clientIdentities: [] })
  })

  it.each<[string, StationChange, string]>([
    ['is not known by it any more', { clientIdentities: [] }, 'client_certificate_refused'],
    ['is disabled', { enabled: false }, 'station_disabled'],
    ['may not use the profile any more', { profiles: ['*'], enabled: false }, 'station_disabled']
  ])(
    'issues nothing from the moment that the station %s, though the request was let in',
    async (_what, to, code) => {
      const name = await makeStation([fingerprint])
      const { id, station } = (await find())!
      const principal: StationPrincipal = { tokenId: id, name, role: 'station', station }
      const first = await issuing.issueAs(principal, makeCertificationRequest(someSubject()))
      expect(first.record).toMatchObject({ station: name, credential: id })
      await change(name, to)
      await expect(issuing.issueAs(principal, makeCertificationRequest(someSubject()))).rejects.toMatchObject(
        { code }
      )
      await change(name, { clientIdentities: [] })
    }
  )

  it('issues nothing while the station is paused, though the request was let in, and again when it goes on', async () => {
    const name = await makeStation([fingerprint])
    const { id, station } = (await find())!
    const principal: StationPrincipal = { tokenId: id, name, role: 'station', station }
    const issue = () => issuing.issueAs(principal, makeCertificationRequest(someSubject()))
    await test.database.prisma.station.update({
      where: { name },
      data: { pausedAt: new Date(), pauseReason: 'key_faults' }
    })
    await expect(issue()).rejects.toMatchObject({ code: 'station_paused', members: { station: name } })
    await issuing.core.stations.resume(name, administrator)
    expect((await issue()).record).toMatchObject({ station: name, credential: id })
    await change(name, { clientIdentities: [] })
  })
})
