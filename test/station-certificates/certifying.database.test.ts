import { hash, X509Certificate } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { OwnCertificate } from '../../src/http/api/self/certificate-schemas.ts'
import type { Self } from '../../src/http/api/self/schemas.ts'
import type { StationCertificateView } from '../../src/http/api/stations/schemas.ts'
import { encodePem } from '../../src/pki/pem/pem.ts'
import { parseRevocationList } from '../../src/pki/revocation/revocation-list.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { problemOf } from '../http/answer.ts'
import { generationBody } from '../http/generations.ts'
import { type Answer, type HttpService, openService, someSubject } from '../http/service.ts'
import { faultsOf } from '../http/shared-schema.ts'
import { expectAgreement } from '../status/agreement.ts'
import {
  type DeviceKey,
  makeCertificationRequest,
  makeDeviceKey,
  signCertificationRequest
} from '../support/certification-request.ts'

const reason = 'planned'
const path = '/v1/self/certificate'

let service: HttpService
let stations = 0

/** A proxy in front hands the certificate on, as this process is one. */
const shown = (pem: string) => ({ 'x-ssl-client-cert': encodeURIComponent(pem) })
const csrOf = (key: DeviceKey, subject: object = { CommonName: 'whatever' }) =>
  encodePem('CERTIFICATE REQUEST', makeCertificationRequest(subject, key))

interface MadeStation {
  readonly name: string
  readonly token: string
  readonly tokenId: string
  readonly bearer: Readonly<Record<string, string>>
}

async function makeStation(more: object = {}): Promise<MadeStation> {
  const name = `own-${++stations}`
  const admin = service.as('admin')
  await admin.post('/v1/stations', { name, profiles: ['starter'], ...more })
  const made = await admin.post('/v1/tokens', { role: 'station', name, station: name })
  const { id, secret } = made.json<{ id: string; secret: string }>()
  return { name, token: secret, tokenId: id, bearer: { authorization: `Bearer ${secret}` } }
}

const certify = (headers: Readonly<Record<string, string>>, csr: string): Promise<Answer> =>
  service.send({ method: 'POST', url: path, headers, payload: { csr } })

async function certified(station: MadeStation, key = makeDeviceKey()) {
  const answer = await certify(station.bearer, csrOf(key))
  expect(answer.statusCode, answer.body).toBe(201)
  return answer.json<OwnCertificate>()
}

const digestOf = ({ spkiDer }: DeviceKey) => hash('sha256', spkiDer)
const setEnabled = ({ name }: MadeStation, enabled: boolean) =>
  service.send({
    method: 'PATCH',
    url: `/v1/stations/${name}`,
    headers: service.bearer('admin'),
    payload: { enabled }
  })
const self = (headers: Readonly<Record<string, string>>) => service.send({ url: '/v1/self', headers })
const codeOf = (answer: Answer) => problemOf(answer).code
const pointerOf = (answer: Answer) =>
  (problemOf(answer).violations as { pointer: string }[] | undefined)?.[0]?.pointer
const end = (name: string, certificateId: string) =>
  service
    .as('operator')
    .post(`/v1/stations/${name}/client-certificates/${certificateId}/end`, { reason: 'stolen' })

async function makeLine(line: string, purpose: string | undefined): Promise<string> {
  const admin = service.as('admin')
  const made = await admin.post('/v1/authorities', { ...generationBody(line), ...(purpose && { purpose }) })
  expect(made.statusCode, made.body).toBe(201)
  const { name } = made.json<{ name: string }>()
  await admin.post(`/v1/authorities/${name}/activate`, { reason })
  return name
}

const putProfile = (document: object) =>
  service.send({
    method: 'PUT',
    url: '/v1/station-profile',
    headers: service.bearer('admin'),
    payload: document
  })

beforeAll(async () => {
  service = await openService({
    MINTLINE_STATION_CERTIFICATES: 'on',
    MINTLINE_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert',
    MINTLINE_TRUSTED_PROXIES: '127.0.0.1'
  })
})
afterAll(() => service.stop())

describe('before there is a line and a profile', () => {
  it('a station is told what is missing', async () => {
    const station = await makeStation()
    expect(codeOf(await certify(station.bearer, csrOf(makeDeviceKey())))).toBe('station_profile_missing')
    expect(codeOf(await service.as('auditor').get('/v1/station-profile'))).toBe('station_profile_missing')
  })

  it.each([
    ['that there is not', 'nowhere'],
    ['that signs devices', 'starter']
  ])('no profile names a line %s', async (_flaw, authority) => {
    const answer = await putProfile({ authority })
    expect([codeOf(answer), pointerOf(answer)]).toEqual(['station_profile_invalid', '/authority'])
  })
})

describe("a station's own certificate", () => {
  beforeAll(async () => {
    await makeLine('acme-stations', 'stations')
    const put = await putProfile({ authority: 'acme-stations' })
    expect(put.statusCode, put.body).toBe(200)
    expect(put.json()).toMatchObject({ version: 1, days: 90 })
    expect((await putProfile({ authority: 'acme-stations' })).json()).toMatchObject({ version: 1 })
  })

  it('says what the profile and the name of the station make, and nothing of the CSR', async () => {
    const station = await makeStation()
    const answer = await certify(
      station.bearer,
      csrOf(makeDeviceKey(), { CommonName: 'own-1', Country: 'US' })
    )
    const own = answer.json<OwnCertificate>()
    expect(await faultsOf('OwnCertificate', own)).toEqual([])
    const certificate = new X509Certificate(own.certificatePem)
    expect(certificate.subject).toBe(`CN=${station.name}`)
    expect(certificate.subjectAltName).toBe(`URI:urn:mintline:station:${station.name}`)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.ca).toBe(false)
    const [days, left] = [own.notAfter, own.renewAfter].map(
      time => (Date.parse(time) - Date.parse(own.notBefore)) / 86_400_000
    ) as [number, number]
    expect(days).toBeCloseTo(90, 1)
    expect(left).toBeCloseTo(60, 1)
  })

  it('lets its station in at once, as its token does, which may then be revoked', async () => {
    const station = await makeStation()
    const own = await certified(station)
    await service.as('admin').delete(`/v1/tokens/${station.tokenId}`)
    const told = await self(shown(own.certificatePem))
    expect(told.statusCode, told.body).toBe(200)
    const { role, name, certificate } = told.json<Self>()
    const { certificateId, notBefore, notAfter, renewAfter } = own
    expect({ role, name }).toEqual({ role: 'station', name: station.name })
    expect(certificate).toEqual({ certificateId, notBefore, notAfter, renewAfter })
    expect(await faultsOf('Self', told.json())).toEqual([])
    const issued = await service.send({
      method: 'POST',
      url: '/v1/issuances',
      headers: shown(own.certificatePem),
      payload: {
        csr: encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject())),
        profile: 'starter'
      }
    })
    expect(issued.statusCode, issued.body).toBe(201)
    const listed = await service.as('auditor').get(`/v1/stations/${station.name}/client-certificates`)
    const [item] = listed.json<{ items: StationCertificateView[] }>().items
    expect(item).toMatchObject({ fingerprint: certificateId, knownBy: { issuance: own.id } })
    expect(await faultsOf('StationCertificate', item)).toEqual([])
    const record = await service.as('auditor').get(`/v1/issuances/${issued.json<{ id: string }>().id}`)
    expect(record.json()).toMatchObject({ station: station.name, credential: item!.id })
  })

  it('is renewed by itself, for another key, and both let the station in', async () => {
    const station = await makeStation()
    const first = await certified(station)
    const answer = await certify(shown(first.certificatePem), csrOf(makeDeviceKey()))
    expect(answer.statusCode, answer.body).toBe(201)
    const second = answer.json<OwnCertificate>()
    for (const each of [first, second]) expect((await self(shown(each.certificatePem))).statusCode).toBe(200)
    const events = await service.database.prisma.auditEvent.findMany({
      where: { act: 'station.certify', subject: `station/${station.name}` },
      orderBy: { id: 'asc' }
    })
    expect(events.map(({ actor, after }) => [actor, (after as { certificate: string }).certificate])).toEqual(
      [
        [`station/${station.name}`, first.certificateId],
        [`station/${station.name}`, second.certificateId]
      ]
    )
  })

  it('is the same for the same key, also where a hundred ask at once', async () => {
    const station = await makeStation()
    const key = makeDeviceKey()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        certify(station.bearer, csrOf(key, { CommonName: `c${index}` }))
      )
    )
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200, 201]))
    expect(new Set(answers.map(answer => answer.json<OwnCertificate>().certificatePem)).size).toBe(1)
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
  })

  it('is one of ten in an hour, also where a hundred keys come at once', async () => {
    const station = await makeStation()
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const csr = csrOf(makeDeviceKey())
        let answer = await certify(station.bearer, csr)
        // On a machine that is busy with other tests, too, as it says.
        while (codeOf(answer) === 'overloaded') {
          await delay(1_000)
          answer = await certify(station.bearer, csr)
        }
        return answer
      })
    )
    const refused = answers.filter(({ statusCode }) => statusCode !== 201)
    expect(answers).toHaveLength(10 + refused.length)
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['station_certificates_exhausted']))
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThan(3_500)
  })

  it('of a station that is disabled or paused lets nobody in, and is not renewed', async () => {
    const station = await makeStation()
    const own = await certified(station)
    const headers = shown(own.certificatePem)
    await setEnabled(station, false)
    expect(codeOf(await self(headers))).toBe('station_disabled')
    expect(codeOf(await certify(headers, csrOf(makeDeviceKey())))).toBe('station_disabled')
    await setEnabled(station, true)
    expect((await self(headers)).statusCode).toBe(200)
  })

  it('that was ended is in the CRL of its authority, and no other', async () => {
    const station = await makeStation()
    const [own, other] = [await certified(station), await certified(station)]
    // A certificate that was never seen is not there to be ended.
    for (const { certificatePem } of [own, other])
      expect((await self(shown(certificatePem))).statusCode).toBe(200)
    expect((await end(station.name, own.certificateId)).statusCode).toBe(204)
    const [serial, otherSerial] = [own, other].map(({ certificatePem }) =>
      new X509Certificate(certificatePem).serialNumber.toLowerCase()
    )
    const authority = await service.database.prisma.authority.findFirstOrThrow({
      where: { purpose: 'stations', state: 'active' }
    })
    await vi.waitFor(
      async () => {
        const { rawPayload } = await service.send({ url: `/v1/authorities/${authority.name}/crl` })
        const revoked = [...parseRevocationList(rawPayload).revoked].map(each => each.replace(/^00/, ''))
        expect(revoked).toContain(serial)
        expect(revoked).not.toContain(otherSerial)
      },
      { timeout: 10_000, interval: 200 }
    )
    expect([...(await expectAgreement(service.database, authority.id)).values()]).toContain('unspecified')
  })

  it('that was ended lets nobody in, for good, and its key gets no other', async () => {
    const station = await makeStation()
    const key = makeDeviceKey()
    const [own, other] = [await certified(station, key), await certified(station)]
    const ended = await end(station.name, own.certificateId)
    expect(ended.statusCode, ended.body).toBe(204)
    expect((await end(station.name, own.certificateId)).statusCode).toBe(204)
    const refused = await self(shown(own.certificatePem))
    expect([refused.statusCode, codeOf(refused), pointerOf(refused)]).toEqual([
      401,
      'client_certificate_refused',
      '/clientCertificate/end'
    ])
    expect(codeOf(await certify(shown(own.certificatePem), csrOf(makeDeviceKey())))).toBe(
      'client_certificate_refused'
    )
    expect(codeOf(await certify(station.bearer, csrOf(key)))).toBe('station_key_refused')
    expect((await self(shown(other.certificatePem))).statusCode).toBe(200)
    const listed = await service.as('auditor').get(`/v1/stations/${station.name}/client-certificates`)
    const item = listed
      .json<{ items: StationCertificateView[] }>()
      .items.find(({ fingerprint }) => fingerprint === own.certificateId)
    expect(item).toMatchObject({ endedBy: 'operator/test-operator', endReason: 'stolen' })
    const events = await service.database.prisma.auditEvent.findMany({
      where: { act: 'station.certificate-end', subject: `station/${station.name}` }
    })
    expect(events).toMatchObject([{ actor: 'operator/test-operator', reason: 'stolen' }])
    expect(codeOf(await end(station.name, 'ab'.repeat(32)))).toBe('client_certificate_not_found')
    expect(codeOf(await end((await makeStation()).name, other.certificateId))).toBe(
      'client_certificate_not_found'
    )
  })

  it.each<[string, (key: DeviceKey, station: MadeStation) => Promise<unknown>, string]>([
    ['a device', key => service.issue(makeCertificationRequest(someSubject(), key)), 'station_key_refused'],
    ['another station', async key => certified(await makeStation(), key), 'station_key_refused'],
    [
      'nobody, since it is blocked',
      key =>
        service.as('admin').post('/v1/blocked-keys', {
          spkiSha256: digestOf(key),
          reason: 'weak_key'
        }),
      'key_blocked'
    ]
  ])('is not issued for the key of %s', async (_whose, take, code) => {
    const station = await makeStation()
    const key = makeDeviceKey()
    await take(key, station)
    const answer = await certify(station.bearer, csrOf(key))
    expect(codeOf(answer), answer.body).toBe(code)
  })

  it('has a key that no device gets, and that lets nobody in once it is blocked', async () => {
    const station = await makeStation()
    const key = makeDeviceKey()
    const own = await certified(station, key)
    const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject(), key))
    const device = await service.as('station').post('/v1/issuances', { csr, profile: 'starter' })
    expect([device.statusCode, codeOf(device)]).toEqual([409, 'key_already_certified'])
    await service
      .as('admin')
      .post('/v1/blocked-keys', { spkiSha256: digestOf(key), reason: 'key_compromised' })
    await expect
      .poll(async () => (await self(shown(own.certificatePem))).statusCode, { timeout: 3_000 })
      .toBe(401)
  })

  it.each<[string, () => string, string]>([
    ['no CSR', () => 'nonsense', 'csr_malformed'],
    ['what is too long', () => 'A'.repeat(40_000), 'csr_too_large'],
    [
      'a CSR whose signature does not hold',
      () => {
        const [one, another] = [makeDeviceKey(), makeDeviceKey()]
        const name = Buffer.from('300e310c300a06035504030c03616263', 'hex')
        return encodePem(
          'CERTIFICATE REQUEST',
          signCertificationRequest(name, { privateKey: one.privateKey, spkiDer: another.spkiDer })
        )
      },
      'csr_signature_invalid'
    ]
  ])('is not issued for %s', async (_flaw, make, code) => {
    const { bearer } = await makeStation()
    expect(codeOf(await certify(bearer, make()))).toBe(code)
  })

  it('beside the token of another station is refused', async () => {
    const [one, another] = [await makeStation(), await makeStation()]
    const own = await certified(one)
    const both = await self({ ...shown(own.certificatePem), ...another.bearer })
    expect([codeOf(both), pointerOf(both)]).toEqual([
      'client_certificate_refused',
      '/clientCertificate/station'
    ])
    expect((await self({ ...shown(own.certificatePem), ...one.bearer })).statusCode).toBe(200)
  })

  it('outlives the rotation of its line, and ends with the compromise of its generation', async () => {
    const station = await makeStation()
    const old = await certified(station)
    const second = await makeLine('acme-stations', undefined)
    const young = await certified(station)
    expect([old.authority, young.authority]).toEqual(['acme-stations-g1', second])
    for (const each of [old, young]) expect((await self(shown(each.certificatePem))).statusCode).toBe(200)
    await service.as('admin').post('/v1/authorities/acme-stations-g1/compromise', { reason: 'copied' })
    expect((await self(shown(old.certificatePem))).statusCode).toBe(401)
    expect((await self(shown(young.certificatePem))).statusCode).toBe(200)
  })
})

describe('a line for stations', () => {
  it('stays one, and signs no device', async () => {
    const admin = service.as('admin')
    const other = await admin.post('/v1/authorities', {
      ...generationBody('acme-stations'),
      purpose: 'devices'
    })
    expect([codeOf(other), pointerOf(other)]).toEqual(['authority_invalid', '/purpose'])
    const named = await admin.post('/v1/profiles', {
      ...starterProfile,
      name: 'of-stations',
      authority: 'acme-stations'
    })
    expect([codeOf(named), pointerOf(named)]).toEqual(['profile_invalid', '/authority'])
  })

  it('is not registered at AWS IoT, not cross-signed with one for devices, and in no trust bundle', async () => {
    const admin = service.as('admin')
    const active = 'acme-stations-g2'
    const registered = await admin.post(`/v1/authorities/${active}/aws-registrations`, {
      region: 'eu-central-1',
      certificateMode: 'SNI_ONLY',
      setAsActive: true,
      allowAutoRegistration: false
    })
    expect(codeOf(registered)).toBe('aws_registration_invalid')
    for (const [issuer, subject] of [
      ['starter-g1', active],
      [active, 'starter-g1']
    ]) {
      const crossed = await admin.post(`/v1/authorities/${issuer}/cross-sign`, { authority: subject, reason })
      expect(codeOf(crossed)).toBe('authority_transition_refused')
    }
    const bundle = (await service.send({ url: '/v1/trust-bundle' })).body
    const own = (await service.send({ url: `/v1/authorities/${active}/certificate` })).body
    expect(bundle).not.toContain(own.split('\n')[4])
  })

  it.each([
    [
      'of a device line',
      `INSERT INTO station_certificate_intent SELECT gen_random_uuid(), now(), station.id, authority.id, profile.id, station.id, 'r', '\\x0102030405060708', sha256('x'), '', ''
       FROM station, authority, station_profile_version AS profile WHERE authority.name = 'starter-g1' AND station.name = 'starter' LIMIT 1`
    ],
    ['that changes', `UPDATE authority SET purpose = 'devices' WHERE line = 'acme-stations'`],
    [
      'that is registered',
      `INSERT INTO aws_registration (id, authority_id, account_alias, region, created_at, created_by)
       SELECT gen_random_uuid(), id, '', 'eu-central-1', now(), 'x' FROM authority WHERE name = 'acme-stations-g2'`
    ],
    ['whose certificates change', `UPDATE station_certificate SET not_after = now()`],
    [
      'whose certificates come back',
      `UPDATE client_certificate SET ended_at = NULL, ended_by = NULL, end_reason = NULL WHERE ended_at IS NOT NULL`
    ],
    [
      'with the key of a device',
      `INSERT INTO station_key SELECT spki_sha256, (SELECT id FROM station LIMIT 1) FROM certified_key LIMIT 1`
    ]
  ])('%s is refused by the database', async (_what, sql) => {
    await expect(service.owner.prisma.$executeRawUnsafe(sql)).rejects.toThrow()
  })
})
