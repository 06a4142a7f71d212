import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../../src/http/api/issuances/schemas.ts'
import type { PreviewView } from '../../../../src/http/api/preview/schemas.ts'
import type { IssuanceEntryView } from '../../../../src/http/api/records/schemas.ts'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import type { ProfileDocument } from '../../../../src/profiles/document.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import {
  type DeviceKey,
  makeCertificationRequest,
  makeDeviceKey
} from '../../../support/certification-request.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type Answer, type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

/** For secure elements: a serial number is the device, and the station knows it. */
const profile: ProfileDocument = {
  ...starterProfile,
  name: 'secure-element',
  subject: {
    Country: { rule: 'fixed', value: 'DE' },
    CommonName: { rule: 'required', pattern: '[^ ]{1,20}|SN .*' },
    SerialNumber: { rule: 'allowed', values: ['A-1', 'A-2'] },
    Organization: { rule: 'allowed' }
  },
  lookalikes: 'refuse',
  subjectFromStation: ['CommonName', 'SerialNumber']
}

let service: HttpService
let stranger: string
beforeAll(async () => {
  service = await openService()
  expect((await service.as('admin').post('/v1/profiles', profile)).statusCode).toBe(201)
  const other = { name: 'station-2', profiles: ['*'] }
  expect((await service.as('admin').post('/v1/stations', other)).statusCode).toBe(201)
  const made = await service.as('admin').post('/v1/tokens', { role: 'station', station: 'station-2' })
  stranger = made.json<{ secret: string }>().secret
})
afterAll(() => service.stop())

const pemOf = (csr: Uint8Array) => encodePem('CERTIFICATE REQUEST', csr)
const csrOf = (key: DeviceKey = makeDeviceKey(), subject = {}) => makeCertificationRequest(subject, key)

let last = 0
const newName = () => `SN ${++last}`

interface Sent {
  readonly key?: DeviceKey
  /** Of the CSR itself. */
  readonly own?: object
  readonly as?: string
}

const post = (subject: unknown, { key, own, as }: Sent = {}) =>
  service
    .as('station')
    .post(
      '/v1/issuances',
      { csr: pemOf(csrOf(key, own)), profile: 'secure-element', subject },
      as === undefined ? {} : { authorization: `Bearer ${as}` }
    )

const recordOf = async (answer: Answer) => {
  const at = answer.headers['location'] ?? problemOf(answer).instance!
  return (await service.as('auditor').get(at)).json<IssuanceEntryView>()
}

describe('a subject that the station sets', () => {
  it('is what the certificate carries, whatever the CSR has, and both are on record', async () => {
    const own = { CommonName: 'ATECC608', Organization: 'Vendor', Locality: 'Nowhere' }
    const subject = { CommonName: newName(), SerialNumber: 'A-1' }
    const answer = await post(subject, { own })
    expect(answer.statusCode).toBe(201)
    const issuance = answer.json<Issuance>()
    expect(issuance.subject).toEqual({ Country: 'DE', ...subject })
    expect(issuance.notes.map(({ code }) => code)).toEqual(['subject_replaced'])
    const record = await recordOf(answer)
    expect(record).toMatchObject({ outcome: 'issued', stationSubject: subject, subject: issuance.subject })
    expect(record.csr).toBe(pemOf(new Uint8Array(Buffer.from(record.csr!.split('-----')[2]!, 'base64'))))
    expect(Buffer.from(record.csr!.split('-----')[2]!, 'base64').toString('latin1')).toContain('ATECC608')
    expect(await faultsOf('IssuedEntry', record)).toEqual([])
  })

  it('is not on record where the CSR has it', async () => {
    const answer = await post(undefined, { own: { CommonName: newName() } })
    expect(answer.statusCode).toBe(201)
    expect(Object.keys(await recordOf(answer))).not.toContain('stationSubject')
  })

  it('comes in the query with a raw CSR, and is the same request', async () => {
    const [key, name] = [makeDeviceKey(), newName()]
    const address = `/v1/issuances?profile=secure-element&subject.CommonName=${encodeURIComponent(name)}`
    const raw = await service
      .as('station')
      .post(address, csrOf(key), { 'content-type': 'application/pkcs10' })
    expect(raw.statusCode).toBe(201)
    const json = await post({ CommonName: name }, { key })
    expect(json.statusCode).toBe(200)
    expect(json.json<Issuance>().certificatePem).toBe(raw.json<Issuance>().certificatePem)
  })

  it('comes in the lines of a batch', async () => {
    const line = (subject: object) => ({ csr: pemOf(csrOf()), profile: 'secure-element', subject })
    const lines = [line({ CommonName: newName() }), line({ Organization: 'x' }), line({ CommonName: 5 })]
    const answer = await service
      .as('station')
      .post('/v1/issuances/batch', lines.map(each => JSON.stringify(each)).join('\n'), {
        'content-type': 'application/x-ndjson'
      })
    const answers = answer.body
      .trim()
      .split('\n')
      .map(each => JSON.parse(each) as { line?: number; status: number })
    const statuses = answers.filter(({ line }) => line !== undefined).sort((a, b) => a.line! - b.line!)
    expect(statuses.map(({ status }) => status)).toEqual([201, 422, 400])
  })

  it('is judged by the preview alike', async () => {
    const preview = (body: object) => service.as('station').post('/v1/profiles/secure-element/preview', body)
    const csr = pemOf(csrOf(undefined, { CommonName: 'ATECC608' }))
    const tried = await preview({ csr, subject: { CommonName: 'SN 1' } })
    expect(tried.statusCode).toBe(200)
    expect(tried.json<PreviewView>()).toMatchObject({
      subject: { Country: 'DE', CommonName: 'SN 1' },
      notes: [{ code: 'subject_replaced' }]
    })
    const raw = (query: string) =>
      service.as('station').post(`/v1/profiles/secure-element/preview${query}`, csrOf(), {
        'content-type': 'application/pkcs10'
      })
    expect((await raw('?subject.CommonName=SN+1')).json<PreviewView>().subject.CommonName).toBe('SN 1')
    expect(pointersOf(await raw('?subject.Organization=x'))).toEqual(['/subject/Organization'])
    const certificate = await service
      .as('station')
      .post(
        '/v1/profiles/secure-element/preview?subject.CommonName=x',
        (await service.as('station').post('/v1/profiles/secure-element/preview', { csr })).body,
        { 'content-type': 'application/pkix-cert' }
      )
    expect([certificate.statusCode, pointersOf(certificate)]).toEqual([400, ['/query/subject.CommonName']])
  })
})

describe('the same device', () => {
  it('gets the same bytes from another station, by the subject of the request or of the CSR', async () => {
    const [key, CommonName] = [makeDeviceKey(), newName()]
    const first = await post({ CommonName }, { key })
    expect(first.statusCode).toBe(201)
    const answers = [
      await post({ CommonName }, { key, as: stranger }),
      await post({ CommonName }, { key, own: { CommonName: 'ATECC608' }, as: stranger }),
      await post(undefined, { key, own: { CommonName }, as: stranger })
    ]
    for (const answer of answers) {
      expect(answer.statusCode).toBe(200)
      expect(answer.json<Issuance>().id).toBe(first.json<Issuance>().id)
    }
  })

  it('is refused with another key, whatever the case of its name and however Unicode composes it', async () => {
    const CommonName = 'SN \u00c4'
    expect((await post({ CommonName })).statusCode).toBe(201)
    for (const other of [CommonName, 'SN \u00e4', 'SN A\u0308']) {
      const answer = await post({ CommonName: other })
      expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'device_already_certified'])
      expect(pointersOf(answer)).toEqual(['/subject/CommonName'])
    }
  })

  it('cannot be another one with the same key', async () => {
    const key = makeDeviceKey()
    expect((await post({ CommonName: newName() }, { key })).statusCode).toBe(201)
    const answer = await post({ CommonName: newName() }, { key })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'key_already_certified'])
  })

  it('is one though a hundred ask at once', async () => {
    const [key, CommonName] = [makeDeviceKey(), newName()]
    const answers = await Promise.all(Array.from({ length: 100 }, () => post({ CommonName }, { key })))
    const served = answers.filter(({ statusCode }) => statusCode === 200 || statusCode === 201)
    expect(new Set(served.map(answer => answer.json<Issuance>().certificateId)).size).toBe(1)
    expect(served.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
  })
})

describe('is refused on record', () => {
  const empty = (field: string) => [`/subject/${field}`]
  it.each<[string, object, readonly string[]]>([
    ['a field that is not listed', { CommonName: 'SN 0', Organization: 'x' }, empty('Organization')],
    ['one that is fixed', { CommonName: 'SN 0', Country: 'DE' }, empty('Country')],
    ['a field that is required and missing', { SerialNumber: 'A-1' }, empty('CommonName')],
    ['a value that is not listed', { CommonName: 'SN 0', SerialNumber: 'A-3' }, empty('SerialNumber')],
    ['a value that the pattern refuses', { CommonName: 'a b' }, empty('CommonName')],
    ['one longer than its field', { CommonName: `SN ${'x'.repeat(62)}` }, empty('CommonName')],
    ['control characters', { CommonName: 'SN \u0007' }, empty('CommonName')],
    ['a line break', { CommonName: 'SN\n1' }, empty('CommonName')],
    ['what nobody sees', { CommonName: 'SN \u200b1' }, empty('CommonName')],
    ['a look-alike', { CommonName: 'SN\u0405' }, empty('CommonName')],
    [
      'characters that are not of its type',
      { CommonName: 'SN 0', SerialNumber: 'A_1' },
      empty('SerialNumber')
    ]
  ])('%s', async (_name, subject, pointers) => {
    const answer = await post(subject)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'subject_refused'])
    expect(pointersOf(answer)).toEqual(pointers)
    const record = await recordOf(answer)
    expect(record).toMatchObject({ outcome: 'rejected', stationSubject: subject })
    expect(await faultsOf('RejectedEntry', record)).toEqual([])
  })

  it('that of a profile which lets the station set nothing, and it says so', async () => {
    const body = { csr: pemOf(csrOf()), profile: 'starter', subject: { CommonName: 'x', Country: 'DE' } }
    const answer = await service.as('station').post('/v1/issuances', body)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'subject_refused'])
    expect(problemOf(answer).detail).toContain('subjectFromStation')
    expect(pointersOf(answer)).toEqual(['/subject/CommonName', '/subject/Country'])
  })

  it('a CSR without a subject where the station sets none, and it says what to send', async () => {
    const answer = await post(undefined)
    expect([answer.statusCode, pointersOf(answer)]).toEqual([422, ['/subject/CommonName']])
    expect(problemOf(answer).violations![0]!.message).toContain('--subject CommonName=')
  })

  it('twice where the same CSR comes with two subjects', async () => {
    const key = makeDeviceKey()
    const [one, other] = [
      await post({ CommonName: 'a b' }, { key }),
      await post({ CommonName: 'a c' }, { key })
    ]
    expect(problemOf(one).instance).not.toBe(problemOf(other).instance)
  })
})

describe('is refused before it is a request', () => {
  const raw = (json: string) => {
    const body = `{"csr": ${JSON.stringify(pemOf(csrOf()))}, "profile": "secure-element", "subject": ${json}}`
    return service.as('station').post('/v1/issuances', body, { 'content-type': 'application/json' })
  }

  it.each<[string, string, readonly string[]]>([
    ['nothing in it', '{}', ['/subject']],
    ['null', 'null', ['/subject']],
    ['a list', '["SN 1"]', ['/subject']],
    ['a text', '"SN 1"', ['/subject']],
    ['a number', '{"CommonName": 1}', ['/subject/CommonName']],
    ['null for a value', '{"CommonName": null}', ['/subject/CommonName']],
    ['an empty value', '{"CommonName": ""}', ['/subject/CommonName']],
    ['an object for a value', '{"CommonName": {"toString": "x"}}', ['/subject/CommonName']],
    [
      'a value of 64 KB less what is beside it',
      `{"CommonName": "${'x'.repeat(64_000)}"}`,
      ['/subject/CommonName']
    ],
    ['a NUL', String.raw`{"CommonName": "SN\u0000"}`, ['/subject/CommonName']],
    ['half of a surrogate pair', String.raw`{"CommonName": "SN\ud800"}`, ['/subject/CommonName']],
    ['a field that no certificate has', '{"emailAddress": "x"}', ['/subject/emailAddress']],
    ['a field by its short name', '{"CN": "x"}', ['/subject/CN']],
    ['hasOwnProperty', '{"hasOwnProperty": "x"}', ['/subject/hasOwnProperty']],
    ['constructor', '{"constructor": "x"}', ['/subject/constructor']]
  ])('%s', async (_name, json, pointers) => {
    const before = await service.countRecords()
    const answer = await raw(json)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
    expect(await service.countRecords()).toBe(before)
  })

  it.each(['{"__proto__": {"CommonName": "SN 1"}}', '{"constructor": {"prototype": {"CommonName": "x"}}}'])(
    'a prototype: %s',
    async json => {
      expect((await raw(json)).statusCode).toBe(400)
    }
  )

  it.each([
    ['twice', 'subject.CommonName=SN+1&subject.CommonName=SN+2'],
    ['of no field', 'subject.CN=SN+1'],
    ['as a whole', 'subject=SN+1'],
    ['of a prototype', 'subject.__proto__=SN+1'],
    ['without a value', 'subject.CommonName='],
    ['with a NUL', 'subject.CommonName=SN%00']
  ])('in the query %s', async (_name, query) => {
    const answer = await service
      .as('station')
      .post(`/v1/issuances?profile=secure-element&${query}`, csrOf(), {
        'content-type': 'application/pkcs10'
      })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
  })

  it('in the query of a JSON body', async () => {
    const body = { csr: pemOf(csrOf()), profile: 'secure-element' }
    const answer = await service.as('station').post('/v1/issuances?subject.CommonName=x', body)
    expect([answer.statusCode, pointersOf(answer)]).toEqual([400, ['/query/subject.CommonName']])
  })
})

describe('a profile that names the fields of the station', () => {
  it('is kept with them, and answered', async () => {
    const { document } = (await service.as('admin').get('/v1/profiles/secure-element')).json<{
      document: ProfileDocument
    }>()
    expect(document.subjectFromStation).toEqual(['CommonName', 'SerialNumber'])
  })
})
