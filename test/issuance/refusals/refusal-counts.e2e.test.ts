import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postCsr, type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let data: TemporaryDirectory
let test: TestDatabase
let service: ServiceProcess
let station: string

const start = () =>
  startServiceProcess(data.path, {
    DATABASE_URL: test.connectionString,
    MINTLINE_REFUSALS_PER_MINUTE: '5'
  })

beforeAll(async () => {
  data = await createTemporaryDirectory()
  test = await createTestDatabase()
  service = await start()
  station = await service.token('station')
})
afterAll(async () => {
  await service.end('SIGTERM')
  await test.drop()
  await data.remove()
})

interface Answered {
  readonly status: number
  readonly code: string
  readonly issuanceId?: string
  readonly instance?: string
}

async function post(csr: Uint8Array | string): Promise<Answered> {
  const answer = await postCsr(service, station, csr)
  const { code, issuanceId, instance } = (await answer.json()) as Omit<Answered, 'status'>
  return { status: answer.status, code, ...(issuanceId && { issuanceId }), ...(instance && { instance }) }
}

interface Counted {
  readonly id: string
  readonly reason: string
  readonly count: number
}

async function read(path: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${await service.token('auditor')}` }
  return (await (await fetch(`${service.url}${path}`, { headers })).json()) as Record<string, unknown>
}

it('what a station sends again and again is told truly, and counted: the end of the service writes it', async () => {
  const garbage = randomBytes(65_000)
  const first = await post(garbage)
  expect(first).toMatchObject({ code: 'csr_too_large', issuanceId: expect.any(String) as string })
  for (let i = 1; i < 50; i++) expect(await post(garbage)).toEqual(first)
  const others: Answered[] = []
  for (let i = 0; i < 30; i++) others.push(await post(`no CSR ${i}`))
  expect(new Set(others.map(({ status, code }) => `${status} ${code}`))).toEqual(
    new Set(['422 csr_malformed'])
  )
  const unrecorded = others.filter(({ issuanceId }) => issuanceId === undefined)
  expect(unrecorded.length).toBeGreaterThanOrEqual(20)
  for (const { instance } of unrecorded) expect(instance).toBeUndefined()

  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  expect(metrics).toContain('mintline_refusals_counted_total{reason="repeat"} 49')
  expect(metrics).toContain(`mintline_refusals_counted_total{reason="station_limit"} ${unrecorded.length}`)
  expect(service.output().match(/only counted/g)).toHaveLength(1)
  expect(service.output()).toMatch(/"station":"starter".*only counted/)

  expect(await service.end('SIGTERM')).toBe(0)
  service = await start()
  const record = await read(`/v1/issuances/${first.issuanceId}`)
  expect(record).toMatchObject({
    withheld: 'excess',
    bodyLength: 65_000,
    csr: garbage.subarray(0, 4_096).toString('base64'),
    repeats: { count: 49, lastAt: expect.any(String) as string }
  })
  const { items } = (await read('/v1/refusal-counts')) as { items: readonly Counted[] }
  const facts = { station: 'starter', profile: 'starter' }
  const repeated = { ...facts, reason: 'repeat', code: 'csr_too_large', issuanceId: first.issuanceId }
  const limited = { ...facts, reason: 'station_limit', code: 'csr_malformed' }
  // A row for each time that they were written, which is once unless this took long.
  const rowsOf = (reason: string) => items.filter(item => item.reason === reason)
  const countOf = (reason: string) => rowsOf(reason).reduce((sum, { count }) => sum + count, 0)
  for (const row of rowsOf('repeat')) expect(row).toMatchObject(repeated)
  for (const row of rowsOf('station_limit')) expect(row).toMatchObject(limited)
  expect(countOf('repeat')).toBe(49)
  expect(countOf('station_limit')).toBe(unrecorded.length)
  expect(rowsOf('repeat').length + rowsOf('station_limit').length).toBe(items.length)
  const paged: unknown[] = []
  for (let cursor: string | undefined, page = 0; page < items.length; page++) {
    const next = await read(`/v1/refusal-counts?limit=1${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    paged.push(...(next['items'] as unknown[]))
    cursor = next['nextCursor'] as string | undefined
    expect(cursor === undefined).toBe(page === items.length - 1)
  }
  expect(paged).toEqual(items)
  const found = (await read('/v1/refusal-counts?code=csr_malformed&station=starter'))['items']
  expect(found).toEqual(rowsOf('station_limit'))
  for (const query of ['station=other', 'to=2026-01-01', 'from=2999-01-01', 'code=key_refused']) {
    expect((await read(`/v1/refusal-counts?${query}`))['items']).toEqual([])
  }
})

it('a private key is blocked each time that it is sent, and recorded once', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const answers = [await post(pem), await post(pem), await post(pem)]
  expect(answers[0]).toMatchObject({
    status: 422,
    code: 'key_blocked',
    issuanceId: expect.any(String) as string
  })
  expect(answers.slice(1)).toEqual([answers[0], answers[0]])
  expect(await service.end('SIGTERM')).toBe(0)
  service = await start()
  expect(await read(`/v1/issuances/${answers[0]!.issuanceId}`)).toMatchObject({
    withheld: 'private_key',
    repeats: { count: 2 }
  })
})
