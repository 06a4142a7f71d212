import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ExportView } from '../../../../src/http/api/exports/schemas.ts'
import { problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { askFor, make, removeAll, untilOver } from './exporting.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
  for (let i = 0; i < 3; i++) await service.issue()
  for (const fixture of ['F-1', 'F-2']) await service.issue(undefined, { metadata: { fixture } })
  // What is searched by is there within two seconds.
  const find = async () => {
    const answer = await service.as('auditor').get('/v1/issuances?metadata=fixture:F-2')
    expect(answer.json<{ items?: object[] }>().items).toHaveLength(1)
  }
  await vi.waitFor(find, { timeout: 60_000 })
})
// Of one name, so many are kept.
afterEach(() => removeAll(service.as('admin')))
afterAll(() => service.stop())

const issuances = { of: 'issuances', format: 'ndjson' }

describe('the file of an export', () => {
  it.each(['text/csv', 'application/x-ndjson'])('has what the list answers as %s', async type => {
    const format = type === 'text/csv' ? 'csv' : 'ndjson'
    for (const list of ['issuances', 'audit-events']) {
      const { done, octets } = await make(service.as('auditor'), { of: list, format })
      const headers = { ...service.bearer('auditor'), accept: type }
      const answered = await service.send({ url: `/v1/${list}?to=${done.createdAt}`, headers })
      expect(octets.toString()).toBe(answered.body)
      expect(done.octets).toBe(octets.length)
      expect(done.sha256).toBe(createHash('sha256').update(octets).digest('hex'))
      expect(octets.length).toBeGreaterThan(500)
    }
  })

  it('has about as many rows as were told ahead, also before the database knows its own size', async () => {
    for (const filter of [{}, { from: '2020-01-01', to: '2020-01-02' }])
      for (const of of ['issuances', 'audit-events']) {
        const { done } = await make(service.as('auditor'), { of, format: 'ndjson', filter })
        expect(done.aboutRows).toBe(done.rows)
      }
  })

  it('says which months it has nothing of', async () => {
    const month = '2025-02'
    const detached = { month, detachedAt: new Date(), detachedBy: 'cli/test' }
    await service.owner.prisma.detachedMonth.create({ data: detached })
    const { done } = await make(service.as('auditor'), issuances)
    expect(done.detachedMonths).toEqual([month])
    const { done: later } = await make(service.as('auditor'), {
      ...issuances,
      filter: { from: '2025-03-01' }
    })
    expect(later).not.toHaveProperty('detachedMonths')
    await service.owner.prisma.detachedMonth.delete({ where: { month } })
  })

  it('is named, and known by its hash', async () => {
    const { done, content } = await make(service.as('auditor'), issuances)
    expect(content.headers).toMatchObject({
      etag: `"${done.sha256}"`,
      'accept-ranges': 'bytes',
      'content-length': String(done.octets),
      'content-type': 'application/x-ndjson'
    })
    expect(content.headers['content-disposition']).toMatch(
      /^attachment; filename="mintline-issuances-\d{8}T\d{6}Z\.ndjson"$/
    )
  })

  it('is measured by HEAD, which reads none of it', async () => {
    const { done } = await make(service.as('auditor'), issuances)
    const { prisma } = service.owner
    await prisma.exportChunk.deleteMany({ where: { exportId: done.id } })
    const url = `/v1/exports/${done.id}/content`
    const head = await service.send({ method: 'HEAD', url, headers: service.bearer('auditor') })
    expect(head).toMatchObject({ statusCode: 200, body: '' })
    expect(head.headers).toMatchObject({ etag: `"${done.sha256}"`, 'content-length': String(done.octets) })
  })

  it('is read in parts', async () => {
    const { done, octets } = await make(service.as('auditor'), { of: 'issuances', format: 'csv' })
    const url = `/v1/exports/${done.id}/content`
    const read = (headers: Record<string, string>) =>
      service.send({ url, headers: { ...service.bearer('auditor'), ...headers } })
    const part = await read({ range: 'bytes=10-', 'if-range': `"${done.sha256}"` })
    expect(part.statusCode).toBe(206)
    expect(part.headers['content-range']).toBe(`bytes 10-${octets.length - 1}/${octets.length}`)
    expect(part.rawPayload).toEqual(octets.subarray(10))
    expect((await read({ range: 'bytes=5-7' })).rawPayload).toEqual(octets.subarray(5, 8))
    expect((await read({ range: 'bytes=-7' })).rawPayload).toEqual(octets.subarray(-7))
    const other = await read({ range: 'bytes=10-', 'if-range': '"another"' })
    expect(other).toMatchObject({ statusCode: 200, rawPayload: octets })
    const behind = await read({ range: `bytes=${octets.length}-` })
    expect(problemOf(behind).code).toBe('range_not_satisfiable')
    expect(behind.statusCode).toBe(416)
    expect(behind.headers['content-range']).toBe(`bytes */${octets.length}`)
  })

  it('has the fields that are asked for, and the rows', async () => {
    const [first] = (await service.as('auditor').get('/v1/issuances?limit=1')).json<{
      items: [{ id: string; serialNumber: string }]
    }>().items
    const filter = { serialNumber: first.serialNumber }
    const csv = await make(service.as('operator'), {
      of: 'issuances',
      format: 'csv',
      filter,
      fields: ['serialNumber', 'thing']
    })
    expect(csv.octets.toString()).toMatch(
      new RegExp(`^id,serialNumber,thingName\r\n${first.id},${first.serialNumber},.*\r\n$`)
    )
    const ndjson = await make(service.as('operator'), {
      of: 'issuances',
      format: 'ndjson',
      filter,
      fields: ['serialNumber', 'csr']
    })
    const row = JSON.parse(ndjson.octets.toString()) as object
    expect(Object.keys(row).sort()).toEqual(['csr', 'id', 'serialNumber'])
    expect(ndjson.done.filter).toEqual(filter)
  })

  it.each([
    [{ metadata: ['fixture:F-1'] }, 1],
    [{ metadata: 'fixture:F-1' }, 1],
    [{ metadata: ['fixture:F-*'], state: 'issued' }, 2],
    [{ profileVersion: '1', outcome: 'issued', metadata: 'fixture:F-2' }, 1],
    [{ profileVersion: 999 }, 0],
    [{ 'subject.CommonName': 'of-nobody' }, 0],
    [{ expiresBefore: '2020-01-01' }, 0],
    [{ code: 'key_blocked' }, 0]
  ])('has what the list finds by %j', async (filter, rows) => {
    const auditor = service.as('auditor')
    for (const format of ['ndjson', 'csv']) {
      const { done, octets } = await make(auditor, { of: 'issuances', format, filter })
      expect(done.rows).toBe(rows)
      const query = new URLSearchParams({ to: done.createdAt })
      for (const [name, value] of Object.entries(filter))
        for (const each of [value].flat()) query.append(name, String(each))
      const accept = format === 'csv' ? 'text/csv' : 'application/x-ndjson'
      const headers = { ...service.bearer('auditor'), accept }
      const listed = await service.send({ url: `/v1/issuances?${query.toString()}`, headers })
      expect(octets.toString()).toBe(listed.body)
    }
  })

  it('has neither CSRs nor certificates unless they are asked for', async () => {
    const asked = { of: 'issuances', format: 'ndjson', filter: { outcome: 'issued' } }
    expect((await make(service.as('auditor'), asked)).octets.toString()).not.toContain('-----BEGIN')
    const { octets } = await make(service.as('auditor'), { ...asked, fields: ['certificatePem'] })
    expect(octets.toString().match(/-----BEGIN CERTIFICATE-----/g)?.length).toBeGreaterThanOrEqual(5)
  })

  it.each(['csv', 'ndjson', 'xlsx', 'parquet'])('may be empty as %s', async format => {
    const { done } = await make(service.as('auditor'), {
      of: 'issuances',
      format,
      filter: { station: 'nobody' }
    })
    expect(done.rows).toBe(0)
  })
})

describe('who asks', () => {
  it.each([
    [{ of: 'stations', format: 'csv' }, '/of'],
    [{ of: 'issuances', format: 'pdf' }, '/format'],
    [{ of: 'issuances' }, '/format'],
    [{ of: 'issuances', format: 'csv', filter: { stations: 'x' } }, '/filter/stations'],
    [{ of: 'issuances', format: 'csv', filter: { limit: 5 } }, '/filter/limit'],
    [{ of: 'issuances', format: 'csv', filter: { fields: 'id' } }, '/filter/fields'],
    [{ of: 'issuances', format: 'csv', filter: { thingName: 'a*' } }, '/filter/thingName'],
    [{ of: 'issuances', format: 'csv', filter: { act: 'lot.*' } }, '/filter/act'],
    [{ of: 'audit-events', format: 'csv', filter: { station: 'x' } }, '/filter/station'],
    [{ of: 'issuances', format: 'csv', filter: { station: 'x'.repeat(300) } }, '/filter/station'],
    [{ of: 'issuances', format: 'csv', filter: { from: '2016-12-31T23:59:60Z' } }, '/filter/from'],
    [{ of: 'issuances', format: 'csv', fields: ['id', 'password'] }, '/fields/1'],
    [{ of: 'issuances', format: 'csv', fields: ['id', 'id'] }, '/fields'],
    [{ of: 'issuances', format: 'csv', filter: [] }, '/filter']
  ])('is told what is wrong in %j', async (body, pointer) => {
    const answer = await service.as('admin').post('/v1/exports', body)
    const { code, violations } = problemOf(answer)
    expect(code).toBe('request_invalid')
    expect(violations?.map(each => each.pointer)).toContain(pointer)
  })

  it.each([
    ['/filter/metadata', { filter: { metadata: Array(5_000).fill('a:b') } }],
    ['/filter/subject.CommonName', { filter: { 'subject.CommonName': 'x'.repeat(50_000) } }],
    ['/fields', { fields: Array(5_000).fill('id') }]
  ])('may not send a huge %s', async (pointer, more) => {
    const answer = await service.as('admin').post('/v1/exports', { ...issuances, ...more })
    expect(answer.statusCode).toBe(400)
    expect(answer.body.length).toBeLessThan(20_000)
    expect(problemOf(answer).violations?.map(each => each.pointer)).toContain(pointer)
  })

  it('sees an own one, an administrator everybody’s, and nobody else’s', async () => {
    const { id } = await askFor(service.as('auditor'), issuances)
    for (const url of [`/v1/exports/${id}`, `/v1/exports/${id}/content`]) {
      expect(problemOf(await service.as('operator').get(url)).code).toBe('export_not_found')
    }
    expect(problemOf(await service.as('operator').delete(`/v1/exports/${id}`)).code).toBe('export_not_found')
    const idsOf = async (role: 'auditor' | 'operator' | 'admin') =>
      (await service.as(role).get('/v1/exports?limit=200'))
        .json<{ items: ExportView[] }>()
        .items.map(each => each.id)
    expect(await idsOf('operator')).not.toContain(id)
    expect(await idsOf('auditor')).toContain(id)
    expect(await idsOf('admin')).toContain(id)
    await untilOver(service.as('admin'), id)
  })

  it('exports no audit events as an operator', async () => {
    const answer = await service.as('operator').post('/v1/exports', { of: 'audit-events', format: 'csv' })
    expect(problemOf(answer).code).toBe('role_forbidden')
  })

  it('is in the audit, for asking, for reading, once, and for deleting', async () => {
    const { done } = await make(service.as('auditor'), { ...issuances, filter: { station: 'nobody' } })
    await service.as('auditor').get(`/v1/exports/${done.id}/content`)
    expect((await service.as('auditor').delete(`/v1/exports/${done.id}`)).statusCode).toBe(204)
    const events = await service.database.prisma.auditEvent.findMany({
      where: { subject: `export/${done.id}` },
      orderBy: { id: 'asc' }
    })
    expect(events.map(({ act }) => act)).toEqual(['export.create', 'export.read', 'export.delete'])
    expect(events[0]!.after).toEqual({ ...issuances, filter: { station: 'nobody' } })
    expect(problemOf(await service.as('auditor').get(`/v1/exports/${done.id}`)).code).toBe('export_not_found')
    await expect
      .poll(() => service.database.prisma.exportJob.count({ where: { id: done.id } }), { timeout: 20_000 })
      .toBe(0)
  })

  it('is held to the lines of the token, when asking as when reading', async () => {
    const { secret, id: tokenId } = (
      await service.as('admin').post('/v1/tokens', { role: 'auditor', name: 'held', lines: ['A7'] })
    ).json<{ secret: string; id: string }>()
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const send = (method: string, url: string, payload?: string) =>
      service.send({ method, url, headers, ...(payload && { payload }) })
    const held = {
      get: (url: string) => send('GET', url),
      post: (url: string, body?: unknown) => send('POST', url, JSON.stringify(body))
    } as never
    const { done, octets } = await make(held, issuances)
    expect(done.lines).toEqual(['A7'])
    expect(octets.length).toBe(0)
    expect(
      problemOf(await send('POST', '/v1/exports', JSON.stringify({ of: 'audit-events', format: 'csv' }))).code
    ).toBe('lines_forbidden')
    expect(tokenId).toBeDefined()
    // As if it had been asked for before the token was held to a line.
    const { prisma } = service.owner
    await prisma.$executeRaw`ALTER TABLE export DISABLE TRIGGER stays`
    await prisma.$executeRaw`UPDATE export SET lines = NULL WHERE id = ${done.id}::uuid`
    await prisma.$executeRaw`ALTER TABLE export ENABLE ALWAYS TRIGGER stays`
    expect(problemOf(await send('GET', `/v1/exports/${done.id}`)).code).toBe('lines_forbidden')
  })
})

it('a hundred that come at once are bounded for each name', async () => {
  const { secret } = (await service.as('admin').post('/v1/tokens', { role: 'auditor', name: 'eager' })).json<{
    secret: string
  }>()
  const headers = { authorization: `Bearer ${secret}` }
  const answers = await Promise.all(
    Array.from({ length: 100 }, () =>
      service.send({ method: 'POST', url: '/v1/exports', headers, payload: issuances })
    )
  )
  const codes = answers.map(({ statusCode }) => statusCode)
  expect(codes.filter(code => code === 202).length).toBeGreaterThanOrEqual(5)
  expect(codes.filter(code => code === 202).length).toBeLessThanOrEqual(20)
  const refused = answers.filter(({ statusCode }) => statusCode !== 202)
  // On a machine that is busy, some wait for too long.
  const reasons = new Set(refused.map(answer => problemOf(answer).code))
  expect([...reasons].filter(code => code !== 'overloaded')).toEqual(['export_limit_reached'])
})
