import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issuanceColumns } from '../../../src/http/api/records/columns.ts'
import type { IssuanceEntryView } from '../../../src/http/api/records/schemas.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { type HttpService, openService, someSubject } from '../service.ts'

const refusals = 260
let service: HttpService

beforeAll(async () => {
  service = await openService()
  await service.issue(makeCertificationRequest({ ...someSubject(), Organization: '@SUM(A1)' }))
  const ask = (index: number) =>
    service.as('station').post('/v1/issuances', {
      csr: `no CSR ${index}`,
      profile: 'starter',
      metadata: { note: `=1+${index}, "quoted"` }
    })
  for (let at = 0; at < refusals; at += 26)
    await Promise.all(Array.from({ length: 26 }, (_, i) => ask(at + i)))
  await service.issue()
})
afterAll(() => service.stop())

const url = () => `${service.url}/v1/issuances`
const accepting = (accept: string, role: 'auditor' | 'station' = 'auditor') => ({
  headers: { ...service.bearer(role), accept }
})

async function read(accept: string, query = ''): Promise<string> {
  const answer = await fetch(url() + query, accepting(accept))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toContain(accept.split(';')[0])
  return answer.text()
}

/** As Python reads it, which we did not write. */
function parseCsv(csv: string): readonly Readonly<Record<string, string>>[] {
  const program =
    'import csv, io, json, sys; print(json.dumps(list(csv.DictReader(io.StringIO(sys.stdin.buffer.read().decode(), newline="")))))'
  return JSON.parse(execFileSync('python3', ['-c', program], { input: csv, encoding: 'utf8' })) as Readonly<
    Record<string, string>
  >[]
}

const parseLines = (ndjson: string) =>
  ndjson
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as IssuanceEntryView & Readonly<Record<string, unknown>>)

describe('the records as rows', needs('python3'), () => {
  it('are the whole list, newest first, the same in CSV and NDJSON', async () => {
    const rows = parseCsv(await read('text/csv'))
    const items = parseLines(await read('application/x-ndjson'))
    expect(rows).toHaveLength(refusals + 2)
    expect(rows.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    expect(rows.map(({ id }) => id)).toEqual(
      rows
        .map(({ id }) => id)
        .toSorted()
        .reverse()
    )
    const refused = items.find(({ outcome }) => outcome === 'rejected')!
    expect(rows.find(({ id }) => id === refused.id)).toMatchObject({
      outcome: 'rejected',
      code: 'csr_malformed',
      station: refused.station,
      metadata: JSON.stringify(refused.metadata),
      serialNumber: ''
    })
  })

  it('have what would be a formula with an apostrophe in front', async () => {
    const rows = parseCsv(await read('text/csv', '?outcome=issued'))
    expect(rows.map(row => row['subject.Organization'])).toEqual(['', "'@SUM(A1)"])
  })

  it('go on behind the last whole row where they were cut off, to the same bytes', async () => {
    const whole = await read('text/csv')
    const rows = parseCsv(whole)
    // In the middle of the row after that of the cursor.
    const at = rows[140]!
    const cutAt = whole.indexOf(rows[141]!['id']!)
    const resumed = await read('text/csv;header=absent', `?cursor=${at['id']}`)
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(hash(whole.slice(0, cutAt) + resumed)).toBe(hash(whole))
  })

  it('are a station its own alone', async () => {
    await service.as('admin').post('/v1/stations', { name: 'other', profiles: ['*'] })
    const made = await service
      .as('admin')
      .post('/v1/tokens', { role: 'station', name: 'other', station: 'other' })
    const headers = { authorization: `Bearer ${made.json<{ secret: string }>().secret}`, accept: 'text/csv' }
    const answer = await fetch(url(), { headers })
    expect(parseCsv(await answer.text())).toEqual([])
    expect(parseCsv(await (await fetch(url(), accepting('text/csv', 'station'))).text())).toHaveLength(
      refusals + 2
    )
  })

  it('leave out nothing that is a value', async () => {
    const leftOut = ['notes', 'subject', 'thing', 'violations']
    const told = new Set(parseLines(await read('application/x-ndjson')).flatMap(item => Object.keys(item)))
    expect([...told].filter(name => !(name in issuanceColumns)).toSorted()).toEqual(leftOut)
  })

  it('have the members that are asked for alone, in their order, and go on from their cursor', async () => {
    const query = '?fields=outcome,subject,csr,violations'
    const csv = await read('text/csv', query)
    const [header = ''] = csv.split('\r\n')
    expect(header).toMatch(/^id,outcome,subject\.[^,]+,.*,csr,violations$/)
    const rows = parseCsv(csv)
    expect(rows.map(row => row['csr'])).not.toContain('')
    expect(JSON.parse(rows[5]!['violations']!)).toEqual([])
    const rest = parseCsv(await read('text/csv', `${query}&cursor=${rows[3]!['id']}`))
    expect(rest).toEqual(rows.slice(4))
    const items = parseLines(await read('application/x-ndjson', query))
    expect(items.map(item => Object.keys(item))).toContainEqual(['id', 'outcome', 'csr', 'violations'])
    expect(items.map(item => Object.keys(item))).toContainEqual(['id', 'outcome', 'subject', 'csr'])
  })

  it('are refused where neither they nor a page are accepted', async () => {
    expect((await fetch(url(), accepting('application/xml'))).status).toBe(406)
  })
})

it('administrative acts come as rows as well', needs('python3'), async () => {
  const answer = await fetch(`${service.url}/v1/audit-events?act=token.create`, accepting('text/csv'))
  const rows = parseCsv(await answer.text())
  expect(new Set(rows.map(({ act }) => act))).toEqual(new Set(['token.create']))
  for (const row of rows) expect(JSON.parse(row['after']!)).toHaveProperty('role')
})

it('rows that a client reads slowly end with its token', async () => {
  const document = 'x'.repeat(60_000)
  const randomBytes = createRandomSource()
  const rows = 500
  const data = Array.from({ length: rows }, (_, index) => {
    const createdAt = new Date(Date.now() + index)
    const common = { createdAt, actor: 'admin/big', act: 'profile.post', subject: `profile/big/${index}` }
    return { ...common, id: newId(createdAt, randomBytes), after: { document } }
  })
  await service.database.prisma.auditEvent.createMany({ data })
  const made = await service.as('admin').post('/v1/tokens', { role: 'auditor', name: 'leaving' })
  const { id, secret } = made.json<{ id: string; secret: string }>()
  const headers = { authorization: `Bearer ${secret}`, accept: 'application/x-ndjson' }
  // More than sockets hold waits to be made.
  const answer = await fetch(`${service.url}/v1/audit-events?actor=admin/big`, { headers })
  expect((await service.as('admin').delete(`/v1/tokens/${id}`)).statusCode).toBe(204)
  let ends = 0
  const reading = async () => {
    for await (const chunk of answer.body!)
      ends += Buffer.from(chunk).toString('latin1').split('\n').length - 1
  }
  await expect(reading()).rejects.toThrow()
  expect(ends).toBeGreaterThan(0)
  expect(ends).toBeLessThan(rows)
})
