import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Readiness } from '../../src/monitoring/readiness.ts'
import { type HttpService, openService, someSubject } from '../http/service.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'

let service: HttpService

/** Less than any database of ours. */
beforeAll(async () => {
  service = await openService({ MINTLINE_DATABASE_SIZE_LIMIT: '1MB' })
})
afterAll(() => service.stop())

const readiness = async () => {
  const answer = await service.send({ url: '/readyz' })
  return { status: answer.statusCode, checks: answer.json<Readiness>().checks }
}

const post = (csr = makeCertificationRequest(someSubject())) =>
  service.send({
    method: 'POST',
    url: '/v1/issuances?profile=starter',
    headers: { ...service.bearer('station'), 'content-type': 'application/pkcs10' },
    payload: csr
  })

it('warns of a database beyond its size limit, and goes on issuing', async () => {
  expect(await readiness()).toMatchObject({
    status: 200,
    checks: { database: { ok: true }, storage: { ok: false } }
  })
  expect((await readiness()).checks.storage.detail).toContain('MINTLINE_DATABASE_SIZE_LIMIT')
  const { body } = await service.send({ url: '/metrics' })
  expect(body).toContain('mintline_storage_free_bytes 0\n')
  expect(body).toContain('mintline_storage_reserve_bytes 100000\n')
  expect((await post()).statusCode).toBe(201)
})

it('counts refusals without recording them', async () => {
  const refused = await service.send({
    method: 'POST',
    url: '/v1/issuances?profile=starter',
    headers: { ...service.bearer('station'), 'content-type': 'application/pkcs10' },
    payload: 'no CSR'
  })
  expect([refused.statusCode, refused.json()]).toMatchObject([422, { code: 'csr_malformed' }])
  expect(refused.json()).not.toHaveProperty('issuanceId')
  expect(await service.owner.prisma.refusal.count()).toBe(0)
  const { body } = await service.send({ url: '/metrics' })
  expect(body).toContain('mintline_refusals_counted_total{reason="storage_reserve"} 1\n')
})

it('says that the disk is full while the database does, and issues the same CSR when there is room', async () => {
  const csr = makeCertificationRequest(someSubject())
  const owner = service.owner.prisma
  await owner.$executeRawUnsafe(`
    CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$`)
  await owner.$executeRawUnsafe('CREATE TRIGGER full_disk BEFORE INSERT ON intent EXECUTE FUNCTION fill()')
  const refused = await post(csr)
  expect([refused.statusCode, refused.json()]).toMatchObject([503, { code: 'database_unavailable' }])
  expect(refused.json<{ detail: string }>().detail).toMatch(/disk .*full/)
  expect(Number(refused.headers['retry-after'])).toBe(10)
  const full = await readiness()
  expect([full.status, full.checks.database.ok]).toEqual([503, false])
  expect(full.checks.database.detail).toMatch(/disk .*full/)
  await owner.$executeRawUnsafe('DROP TRIGGER full_disk ON intent')
  expect((await post(csr)).statusCode).toBe(201)
})
