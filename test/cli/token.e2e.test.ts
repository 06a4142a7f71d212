import { readFile, stat, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { codeOf, runMintline } from './mintline.ts'

let directory: TemporaryDirectory
let data: TemporaryDirectory
let database: TestDatabase

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  data = await createTemporaryDirectory()
  database = await createTestDatabase()
})
afterAll(async () => {
  await database.drop()
  await data.remove()
  await directory.remove()
})

const inDirectory = (name: string) => join(directory.path, name)
const createAdmin = (...args: string[]) => ['token', 'create', '--role', 'admin', '--name', 'boss', ...args]

async function listTokens(service: ServiceProcess, secret: string): Promise<readonly object[]> {
  const answer = await fetch(`${service.url}/v1/tokens`, { headers: { authorization: `Bearer ${secret}` } })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { items: object[] }).items
}

describe('mintline token create', () => {
  it('is the way into an embedded database without a starter set, while the service is stopped', async () => {
    const environment = { MINTLINE_DATA_DIR: data.path }
    const made = await runMintline(createAdmin('--out', inDirectory('boss-token')), environment)
    expect(made).toMatchObject({ exitCode: 0, output: '' })
    expect((await stat(inDirectory('boss-token'))).mode & 0o777).toBe(0o600)
    const secret = (await readFile(inDirectory('boss-token'), 'utf8')).trim()
    expect(made.errors).not.toContain(secret)

    const service = await startServiceProcess(data.path, { MINTLINE_STARTER: 'off' })
    try {
      const createdBy = `cli/${userInfo().username}`
      expect(await listTokens(service, secret)).toMatchObject([{ name: 'boss', role: 'admin', createdBy }])
      const refused = await runMintline(createAdmin('--out', inDirectory('second-token')), environment)
      expect(refused.exitCode).toBe(1)
      expect(codeOf(refused)).toBe('data_directory_unusable')
      await expect(stat(inDirectory('second-token'))).rejects.toMatchObject({ code: 'ENOENT' })
      expect(await listTokens(service, secret)).toHaveLength(1)
    } finally {
      await service.end('SIGTERM')
    }
  })

  it('prints the secret alone when no file is named, and keeps who made it on record', async () => {
    const made = await runMintline(createAdmin(), {
      MINTLINE_DATA_DIR: inDirectory('unused'),
      DATABASE_URL: database.connectionString
    })
    expect(made.exitCode).toBe(0)
    expect(made.output).toMatch(/^mintline_[0-9a-f]{32}_[\w-]{43}\n$/)
    const { prisma } = database.database
    const [token] = await prisma.token.findMany()
    expect(await prisma.auditEvent.findMany()).toMatchObject([
      { actor: `cli/${userInfo().username}`, act: 'token.create', subject: `token/${token?.id}` }
    ])
  })

  it('never writes over a file', async () => {
    await writeFile(inDirectory('old-token'), 'old')
    const ended = await runMintline(createAdmin('--out', inDirectory('old-token')), {
      MINTLINE_DATA_DIR: inDirectory('unused'),
      DATABASE_URL: database.connectionString
    })
    expect(ended.exitCode).toBe(2)
    expect(await readFile(inDirectory('old-token'), 'utf8')).toBe('old')
  })

  it('leaves no file when the database is away', async () => {
    const ended = await runMintline(createAdmin('--out', inDirectory('no-token')), {
      MINTLINE_DATA_DIR: inDirectory('unused'),
      DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db'
    })
    expect(ended.exitCode).toBe(1)
    expect(codeOf(ended)).toBe('database_unavailable')
    await expect(stat(inDirectory('no-token'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
