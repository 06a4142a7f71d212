import { generateKeyPairSync } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../../src/http/api/issuances/schemas.ts'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService, someSubject } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'
import { sendBatch } from './batch-client.ts'

let service: HttpService
let token: string
beforeAll(async () => {
  service = await openService({ MINTLINE_REQUEST_TIMEOUT_MS: '1000' })
  token = service.bearer('station').authorization.replace('Bearer ', '')
})
afterAll(() => service.stop())

const newBody = () => ({
  csr: encodePem('CERTIFICATE REQUEST', makeCertificationRequest(someSubject())),
  profile: 'starter'
})
const ndjson = (lines: readonly unknown[]) =>
  lines.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
const send = (lines: readonly unknown[]) => sendBatch({ url: service.url, token }, ndjson(lines))

describe('POST /v1/issuances/batch', () => {
  it('answers each line as the single route does, with its ref and number', async () => {
    const body = newBody()
    const single = (await service.as('station').post('/v1/issuances', body)).json<Issuance>()
    const { lines, summary } = await send([{ ref: 'fixture-12', ...body }, newBody()])
    expect(lines[0]).toEqual({ ref: 'fixture-12', line: 1, status: 200, ...single, replayed: true })
    const { line, status, ...issuance } = lines[1]!
    expect([line, status, await faultsOf('Issuance', issuance)]).toEqual([2, 201, []])
    expect(summary).toEqual({
      complete: true,
      answered: 2,
      issued: 1,
      replayed: 1,
      refused: 0,
      unserved: 0
    })
  })

  it('lets no bad line hurt another', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const good = newBody()
    const { lines, summary } = await send([
      { ref: 'a', ...good },
      '{"ref":"b", no JSON',
      '',
      { ref: 'd', ...newBody(), profile: 'nobodys' },
      { ref: 'e', ...newBody(), more: 1 },
      { ref: 'f', csr: 'no CSR', profile: 'starter' },
      { ref: 'g', ...newBody(), metadata: { filling: 'x'.repeat(70_000) } },
      { ref: 'h', ...newBody(), metadata: { note: secret } },
      { ref: 'i\u0000', ...newBody() },
      `{"ref":"j","__proto__":{"csr":1}}`,
      '[]',
      'null',
      `{"csr":${'['.repeat(30_000)}`,
      { ref: 'n', csr: '\ud800', profile: 'starter' },
      { ref: 'o', ...good }
    ])
    expect(lines.map(({ line, ref, status, code }) => [line, ref, status, code])).toEqual([
      [1, 'a', expect.any(Number), undefined],
      [2, undefined, 400, 'request_invalid'],
      [4, 'd', 404, 'profile_not_found'],
      [5, 'e', 400, 'request_invalid'],
      [6, 'f', 422, 'csr_malformed'],
      [7, undefined, 413, 'request_too_large'],
      [8, undefined, 422, 'key_blocked'],
      [9, undefined, 400, 'request_invalid'],
      [10, undefined, 400, 'request_invalid'],
      [11, undefined, 400, 'request_invalid'],
      [12, undefined, 400, 'request_invalid'],
      [13, undefined, 400, 'request_invalid'],
      [14, 'n', 422, 'csr_malformed'],
      [15, 'o', expect.any(Number), undefined]
    ])
    expect([lines[0]!.chainPem, lines[0]!.status + lines[13]!.status]).toEqual([lines[13]!.chainPem, 401])
    expect(summary).toMatchObject({ complete: true, answered: 14, issued: 1, replayed: 1, refused: 12 })
    const refused = lines.find(({ ref }) => ref === 'f')!
    const record = (await service.as('auditor').get(refused.instance!)).json<object>()
    expect(record).toMatchObject({ outcome: 'rejected', code: 'csr_malformed', station: 'starter' })
  })

  it('answers with the same bytes when it is sent again', async () => {
    const bodies = Array.from({ length: 40 }, newBody)
    const [first, again] = [await send(bodies), await send(bodies.toReversed())]
    expect(first.summary).toMatchObject({ issued: 40, replayed: 0 })
    expect(again.summary).toMatchObject({ issued: 0, replayed: 40 })
    expect(again.lines.map(({ chainPem }) => chainPem)).toEqual(
      first.lines.map(({ chainPem }) => chainPem).toReversed()
    )
  })

  it('takes the places of a lot, and never one more', async () => {
    const lot = { id: 'lot-of-batch', profile: 'starter', quantity: 10 }
    expect((await service.as('admin').post('/v1/lots', lot)).statusCode).toBe(201)
    const bodies = Array.from({ length: 25 }, () => ({ ...newBody(), lot: lot.id }))
    const { lines, summary } = await send(bodies)
    expect(summary).toMatchObject({ issued: 10, refused: 15 })
    expect(new Set(lines.map(({ code }) => code))).toEqual(new Set([undefined, 'lot_full']))
  })

  it('may take longer to arrive than a single request', async () => {
    async function* slowly() {
      for (let count = 0; count < 5; count++) {
        yield ndjson([newBody()])
        await delay(600)
      }
    }
    const { summary } = await sendBatch({ url: service.url, token }, slowly())
    expect(summary).toMatchObject({ complete: true, issued: 5 })
    const single = await new Promise<number>((resolve, reject) => {
      const sending = request(`${service.url}/v1/issuances?profile=starter`, {
        method: 'POST',
        headers: {
          ...service.bearer('station'),
          'content-type': 'application/pkcs10',
          'content-length': 2_000
        }
      })
      sending.once('response', response => resolve(response.statusCode ?? 0)).once('error', reject)
      sending.write('-----BEGIN')
    })
    expect(single).toBe(408)
  })

  it('answers a line as soon as it has come', async () => {
    const sending = request(`${service.url}/v1/issuances/batch`, {
      method: 'POST',
      headers: { ...service.bearer('station'), 'content-type': 'application/x-ndjson' }
    })
    sending.on('error', () => undefined).write(ndjson([{ ref: 'early', ...newBody() }]))
    const first = await new Promise<string>(resolve =>
      sending.once('response', response => response.once('data', chunk => resolve(String(chunk))))
    )
    expect(JSON.parse(first)).toMatchObject({ ref: 'early', status: 201 })
    sending.destroy()
  })

  it('takes 10,000 lines and says which were too many', async () => {
    const { lines, summary } = await send(Array.from({ length: 10_100 }, () => '{}'))
    expect(lines).toHaveLength(10_001)
    expect(lines.at(-1)).toMatchObject({ line: 10_001, status: 413, code: 'request_too_large' })
    expect(summary).toMatchObject({ complete: false, answered: 10_001 })
  })

  it('is nothing but a summary where there are no lines', async () => {
    expect((await send([])).summary).toMatchObject({ complete: true, answered: 0 })
  })

  it.each([
    ['JSON', { 'content-type': 'application/json' }, [415, 'media_type_unsupported']],
    ['an answer in JSON', { accept: 'application/json' }, [406, 'not_acceptable']]
  ] as const)('refuses %s', async (_name, headers, expected) => {
    const answer = await sendBatch({ url: service.url, token }, '{}', headers)
    expect([answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual(expected)
  })

  it('is bounded in number for each station', async () => {
    const open = Array.from({ length: 4 }, () =>
      request(`${service.url}/v1/issuances/batch`, {
        method: 'POST',
        headers: { ...service.bearer('station'), 'content-type': 'application/x-ndjson' }
      }).on('error', () => undefined)
    )
    for (const each of open) each.write('{}\n')
    await Promise.all(open.map(each => new Promise(resolve => each.once('response', resolve))))
    const answer = await service
      .as('station')
      .post('/v1/issuances/batch', '', { 'content-type': 'application/x-ndjson' })
    expect([answer.statusCode, problemOf(answer).code, answer.headers['retry-after']]).toEqual([
      503,
      'overloaded',
      '5'
    ])
    for (const each of open) each.destroy()
    await expect.poll(async () => (await send([])).status).toBe(200)
  })
})

describe('a station with a limit', () => {
  const makeStation = async (requestsPerMinute: number) => {
    const admin = service.as('admin')
    const name = `limited-${requestsPerMinute}`
    await admin.post('/v1/stations', { name, profiles: ['starter'], requestsPerMinute })
    const made = await admin.post('/v1/tokens', { role: 'station', name: `${name}-token`, station: name })
    return { url: service.url, token: made.json<{ secret: string }>().secret }
  }

  it('waits for its next line', async () => {
    const start = performance.now()
    const lines = Array.from({ length: 61 }, () => '{}')
    const { summary } = await sendBatch(await makeStation(60), ndjson(lines))
    expect(summary).toMatchObject({ complete: true, refused: 61, unserved: 0 })
    expect(performance.now() - start).toBeGreaterThan(1_000)
  })

  it('is told when to send it again where that takes long', async () => {
    const { lines, summary } = await sendBatch(
      await makeStation(3),
      ndjson(Array.from({ length: 5 }, newBody))
    )
    const statuses = lines.map(({ status }) => status).toSorted((one, other) => one - other)
    expect(statuses).toEqual([201, 201, 429, 429, 429])
    const late = lines.find(({ status }) => status === 429)!
    expect(late.code).toBe('station_limit_reached')
    expect(late.retryAfterSeconds).toBeGreaterThan(10)
    expect(summary).toMatchObject({ complete: true, issued: 2, unserved: 3 })
  })
})

it('a service that stops answers what it has taken and says that there was more', async () => {
  const stopping = await openService()
  const own = stopping.bearer('station').authorization.replace('Bearer ', '')
  let isStopping: Promise<void> | undefined
  async function* endless() {
    for (let count = 0; ; count++) {
      yield ndjson([newBody()])
      if (count === 20) isStopping = stopping.stop()
      await delay(20)
    }
  }
  const { lines, summary } = await sendBatch({ url: stopping.url, token: own }, endless())
  expect(summary).toMatchObject({ complete: false, answered: lines.length })
  expect(lines.length).toBeGreaterThan(0)
  await isStopping
})
