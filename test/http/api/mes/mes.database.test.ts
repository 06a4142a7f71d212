import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../../src/http/api/issuances/schemas.ts'
import type { IssuanceEntryView } from '../../../../src/http/api/records/schemas.ts'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { mesSecret, type MesServer, startMesServer } from '../../../mes/mes-server.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { problemOf } from '../../answer.ts'
import { type Answer, type HttpService, openService, someSubject } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
let mes: MesServer
let directory: TemporaryDirectory
beforeAll(async () => {
  mes = await startMesServer()
  directory = await createTemporaryDirectory()
  const [file, secretFile] = [join(directory.path, 'mes.json'), join(directory.path, 'secret')]
  await writeFile(secretFile, `${mesSecret}\n`, { mode: 0o600 })
  const plant = { url: mes.url, secretFile, timeoutMs: 1_000 }
  const gone = { url: 'http://127.0.0.1:1/', secretFile }
  await writeFile(file, JSON.stringify({ plant, gone }))
  service = await openService({ MINTLINE_MES_FILE: file })
  const admin = service.as('admin')
  for (const name of ['plant', 'gone']) {
    const posted = await admin.post('/v1/profiles', { ...starterProfile, name: `asks-${name}`, mes: name })
    expect(posted.statusCode).toBe(201)
  }
  const lot = { id: 'mes-lot', profile: 'asks-plant', quantity: 1 }
  expect((await admin.post('/v1/lots', lot)).statusCode).toBe(201)
})
afterAll(async () => {
  await service.stop()
  await mes[Symbol.asyncDispose]()
  await directory.remove()
})
beforeEach(() => {
  mes.state.answering = () => ({ verdict: 'allow' })
  mes.questions.length = 0
})

const newCsr = (subject = someSubject()) =>
  encodePem('CERTIFICATE REQUEST', makeCertificationRequest(subject))

const post = (csr = newCsr(), more: object = {}) =>
  service.as('station').post('/v1/issuances', { csr, profile: 'asks-plant', ...more })

const recordOf = async (answer: Answer) => {
  const at = answer.headers['location'] ?? problemOf(answer).instance!
  return (await service.as('auditor').get(at)).json<IssuanceEntryView>()
}

describe('a profile that has a MES asked', () => {
  it('is refused where the settings name no such system', async () => {
    const answer = await service
      .as('admin')
      .post('/v1/profiles', { ...starterProfile, name: 'x', mes: 'other' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'profile_invalid'])
    expect(problemOf(answer).violations).toMatchObject([{ pointer: '/mes', found: 'other' }])
  })

  it('tells it what the certificate would be, for whom, and what came with the request', async () => {
    const subject = someSubject()
    const metadata = { fixture: 'F-12' }
    const answer = await post(newCsr(subject), { metadata })
    expect(answer.statusCode).toBe(201)
    const [{ data }] = mes.questions as [(typeof mes.questions)[number]]
    expect(data).toEqual({
      requestId: expect.any(String) as string,
      profile: 'asks-plant',
      profileVersion: 1,
      authority: 'starter-g1',
      subject,
      thing: expect.objectContaining({ thingName: null }) as object,
      spkiSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      station: 'starter',
      line: null,
      site: null,
      lot: null,
      metadata
    })
    expect(mes.questions).toHaveLength(1)
  })

  it('has on record what it said and set; the last word of metadata is its own', async () => {
    const set = { order: '4711', fixture: 'F-13' }
    mes.state.answering = () => ({ verdict: 'allow', message: 'go on', metadata: set })
    const answer = await post(newCsr(), { metadata: { fixture: 'F-12', firmware: '1.4.2' } })
    const record = await recordOf(answer)
    expect(record).toMatchObject({
      outcome: 'issued',
      metadata: { ...set, firmware: '1.4.2' },
      mes: { name: 'plant', verdict: 'allow', message: 'go on', metadata: set, replaced: { fixture: 'F-12' } }
    })
    expect(await faultsOf('IssuedEntry', record)).toEqual([])
  })

  it('refuses on record what it denies, with its words, and issues once it lets it pass', async () => {
    mes.state.answering = () => ({ verdict: 'deny', message: 'Station 3 was passed over.\nGo back.' })
    const csr = newCsr()
    const answer = await post(csr)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'mes_denied'])
    expect(problemOf(answer).detail).toContain('Station 3 was passed over. Go back.')
    const record = await recordOf(answer)
    expect(record).toMatchObject({ outcome: 'rejected', code: 'mes_denied', profileVersion: 1 })
    expect((record as { detail: string }).detail).toContain('Station 3')
    mes.state.answering = () => ({ verdict: 'allow' })
    expect((await post(csr)).statusCode).toBe(201)
    expect(mes.questions).toHaveLength(2)
  })

  it('issues nothing without a verdict, and records nothing', async () => {
    mes.state.answering = (_question, response) => void response.writeHead(200).end('yes')
    const before = await service.countRecords()
    const answer = await post()
    expect([answer.statusCode, problemOf(answer).code]).toEqual([503, 'mes_unavailable'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(await service.countRecords()).toBe(before)
  })

  it('issues nothing where the metadata of both are too many', async () => {
    const many = (name: string) => Object.fromEntries([...Array(9).keys()].map(key => [`${name}${key}`, '']))
    mes.state.answering = () => ({ verdict: 'allow', metadata: many('mes') })
    const answer = await post(newCsr(), { metadata: many('station') })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([503, 'mes_unavailable'])
    expect(problemOf(answer).detail).toContain('18')
  })

  it('does not ask of what was served before, or is open', async () => {
    const csr = newCsr()
    const first = await post(csr)
    expect(first.statusCode).toBe(201)
    mes.state.answering = () => ({ verdict: 'deny' })
    const again = await post(csr)
    expect([again.statusCode, again.json<Issuance>().id]).toEqual([200, first.json<Issuance>().id])
    expect(mes.questions).toHaveLength(1)
  })

  it('does not ask for what it refuses anyway', async () => {
    for (const [payload, code] of [
      [{ csr: newCsr({ CommonName: 'x' } as never) }, 'subject_refused'],
      [{ csr: 'no CSR' }, 'csr_malformed']
    ] as const) {
      const answer = await post(payload.csr)
      expect(problemOf(answer).code).toBe(code)
    }
    await service.as('station').post('/v1/profiles/asks-plant/preview', { csr: newCsr() })
    expect(mes.questions).toEqual([])
  })

  it('asks about the lot that is named, and the lot is full all the same', async () => {
    expect((await post(newCsr(), { lot: 'mes-lot' })).statusCode).toBe(201)
    expect(mes.questions[0]!.data).toMatchObject({ lot: 'mes-lot' })
    const answer = await post(newCsr(), { lot: 'mes-lot' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([409, 'lot_full'])
  })

  it('issues one certificate to a hundred that ask for the same at once, and to a hundred each its own', async () => {
    const csr = newCsr()
    const same = await Promise.all(Array.from({ length: 100 }, () => post(csr)))
    const ids = same.filter(each => each.statusCode < 300).map(each => each.json<Issuance>().id)
    expect(new Set(ids).size).toBe(1)
    expect(same.filter(each => each.statusCode === 201)).toHaveLength(1)
    const each = await Promise.all(Array.from({ length: 100 }, async () => retried(newCsr())))
    expect(each).toEqual(Array(100).fill(201))
    expect(mes.state.mostUnderWay).toBeLessThanOrEqual(32)
  })

  it('asks anew under a version of the profile that came while it was asked', async () => {
    const name = 'asks-moving'
    const version = { ...starterProfile, name, mes: 'plant' }
    await service.as('admin').post('/v1/profiles', version)
    let isMoved = false
    mes.state.answering = async () => {
      if (!isMoved) await service.as('admin').post('/v1/profiles', { ...version, backdateMinutes: 30 })
      isMoved = true
      return { verdict: 'allow' }
    }
    const answer = await service.as('station').post('/v1/issuances', { csr: newCsr(), profile: name })
    expect([answer.statusCode, answer.json<Issuance>().profileVersion]).toEqual([201, 2])
    expect(mes.questions.map(({ data }) => data['profileVersion'])).toEqual([1, 2])
  })

  it('is of no use to others while its MES is silent: they are served', async () => {
    mes.state.answering = () => undefined
    const waiting = Array.from({ length: 20 }, () => post())
    const start = performance.now()
    const other = await fromAnotherStation({ csr: newCsr(), profile: 'starter' })
    // Of a refusal the words as well: a number alone does not tell whose fault it was.
    expect([other.statusCode, other.statusCode === 201 || problemOf(other)]).toEqual([201, true])
    expect(performance.now() - start).toBeLessThan(20_000)
    const answers = await Promise.all(waiting)
    expect(new Set(answers.map(each => each.statusCode))).toEqual(new Set([503]))
    mes.state.answering = () => ({ verdict: 'allow' })
    await until(async () => (await post()).statusCode === 201)
  })
})

/** One that has a turn of its own: what waits for a MES waits under the name of its station. */
const fromAnotherStation = async (payload: object) => {
  const { secret } = (await service.as('admin').post('/v1/tokens', { role: 'station', name: 'other' })).json<{
    secret: string
  }>()
  const headers = { authorization: `Bearer ${secret}` }
  return service.send({ method: 'POST', url: '/v1/issuances', headers, payload })
}

const retried = async (csr: string): Promise<number> => {
  const { statusCode } = await post(csr)
  return statusCode === 503 ? retried(csr) : statusCode
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('It did not come about')
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

describe('a MES that is away', () => {
  it('is told by readiness and metrics, and keeps nothing else from working', async () => {
    const ask = () => service.as('station').post('/v1/issuances', { csr: newCsr(), profile: 'asks-gone' })
    for (let round = 0; round < 5; round++) expect((await ask()).statusCode).toBe(503)
    // On a slow machine a pause may be over before the next request comes; the pause after that is twice as long.
    await until(async () => problemOf(await ask()).detail.includes('not asked at the moment'))
    const ready = (await service.send({ url: '/readyz' })).json<{ ready: boolean; checks: { mes: object } }>()
    expect(ready).toMatchObject({ ready: true, checks: { mes: { ok: false } } })
    expect(await faultsOf('Readiness', ready)).toEqual([])
    const metrics = (await service.send({ url: '/metrics' })).body
    expect(metrics).toMatch(/mintline_mes_duration_seconds_count\{mes="gone",verdict="early"\} [1-9]/)
    expect(metrics).toMatch(/mintline_mes_duration_seconds_count\{mes="plant",verdict="allow"\} [1-9]/)
  })
})
