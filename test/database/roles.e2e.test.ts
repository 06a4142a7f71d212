import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { admitServiceRole } from '../../src/database/roles/roles.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { postCsr, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let data: TemporaryDirectory
beforeAll(async () => {
  data = await createTemporaryDirectory()
})
afterAll(() => data.remove())

const insufficientPrivilege = '42501'

async function query(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

/** A role that may log in, and nothing else, as `CREATE ROLE name LOGIN PASSWORD` makes it. */
async function makeRole(server: string, name: string): Promise<string> {
  await query(server, `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
  const url = new URL(server)
  url.username = name
  url.password = 'secret'
  return url.href
}

describe("the service's role", () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.drop())

  const partition = `intent_${new Date().toISOString().slice(0, 7).replace('-', '_')}`

  it.each([
    'CREATE TABLE public.mine (id int)',
    'CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'ALTER TABLE intent DISABLE TRIGGER append_only',
    'ALTER TABLE issued DISABLE TRIGGER USER',
    'DROP TRIGGER append_only ON refusal',
    'TRUNCATE issued',
    'DELETE FROM issued',
    'DELETE FROM refusal',
    'UPDATE intent SET station = station',
    'UPDATE audit_event SET actor = actor',
    'UPDATE certified_key SET device_sha256 = device_sha256',
    'UPDATE token SET role = role',
    'DELETE FROM token',
    'UPDATE _prisma_migrations SET checksum = checksum',
    'SET session_replication_role = replica',
    `SELECT FROM ${partition}`,
    `DELETE FROM ${partition}`,
    `INSERT INTO ${partition} SELECT * FROM intent`,
    'CREATE TABLE pgboss.mine (id int)',
    'DROP SCHEMA pgboss CASCADE'
  ])('may not: %s', async statement => {
    const { owner } = test
    await expect(query(test.serviceConnectionString, statement)).rejects.toMatchObject({
      code: insufficientPrivilege
    })
    expect(await owner.prisma.$queryRaw`SELECT to_regclass('public.intent') IS NOT NULL AS there`).toEqual([
      { there: true }
    ])
  })

  it('gets what a new table needs at the next start, and nothing more', async () => {
    const roles = { owner: test.connectionString, service: test.serviceConnectionString }
    await query(test.connectionString, 'CREATE TABLE added (id int)')
    await expect(query(roles.service, 'SELECT FROM added')).rejects.toMatchObject({
      code: insufficientPrivilege
    })
    await Promise.all([1, 2, 3].map(() => admitServiceRole(roles)))
    await query(roles.service, 'INSERT INTO added VALUES (1)')
    await expect(query(roles.service, 'DELETE FROM added')).rejects.toMatchObject({
      code: insufficientPrivilege
    })
  })

  it('of another database is refused', async () => {
    await using other = await createTestDatabase()
    const roles = { owner: other.connectionString, service: test.serviceConnectionString }
    await expect(admitServiceRole(roles)).rejects.toMatchObject({
      code: 'config_invalid',
      violations: [{ pointer: 'MINTLINE_DATABASE_OWNER_URL' }]
    })
  })

  it('gets nothing from a role that does not own the tables', async () => {
    const stranger = await makeRole(test.connectionString, `stranger_${randomUUID().slice(0, 8)}`)
    const newcomer = await makeRole(test.connectionString, `newcomer_${randomUUID().slice(0, 8)}`)
    await expect(admitServiceRole({ owner: stranger, service: newcomer })).rejects.toMatchObject({
      code: 'config_invalid',
      violations: [{ pointer: 'MINTLINE_DATABASE_OWNER_URL' }]
    })
  })
})

describe('the service', () => {
  const warning = "the service's role owns the tables"

  /** A database with an owner who is no superuser, and a role for the service without any right. */
  async function makeDatabase(): Promise<{ readonly owner: string; readonly service: string }> {
    const id = randomUUID().slice(0, 8)
    const server = inject('templateDatabase')
    const admin = new URL(server)
    admin.pathname = 'postgres'
    const owner = new URL(await makeRole(admin.href, `owner_${id}`))
    const service = new URL(await makeRole(admin.href, `service_${id}`))
    await query(admin.href, `CREATE DATABASE roles_${id} OWNER owner_${id}`)
    for (const url of [owner, service]) url.pathname = `roles_${id}`
    return { owner: owner.href, service: service.href }
  }

  async function issueOne(environment: Readonly<Record<string, string>>, name: string): Promise<string> {
    const service = await startServiceProcess(data.path, environment)
    try {
      const csr = makeCertificationRequest({ Country: 'US', CommonName: name })
      const issued = await postCsr(service, await service.token('station'), csr)
      expect(issued.status).toBe(201)
      expect((await postCsr(service, await service.token('station'), csr)).status).toBe(200)
      expect((await postCsr(service, await service.token('station'), 'no CSR')).status).toBe(422)
      return service.output()
    } finally {
      await service.end('SIGTERM')
    }
  }

  it('is made by the one role and works with the other; where that owns the tables it says so', async () => {
    const { owner, service } = await makeDatabase()
    const both = await issueOne(
      { DATABASE_URL: service, MINTLINE_DATABASE_OWNER_URL: owner },
      'made by the owner'
    )
    expect(both).not.toContain(warning)
    const alone = await issueOne({ DATABASE_URL: service }, 'without the owner')
    expect(alone).not.toContain(warning)
    const single = await issueOne({ DATABASE_URL: owner }, 'by the owner alone')
    expect(single).toContain(warning)
    expect(single).toContain('MINTLINE_DATABASE_OWNER_URL')
  })
})
