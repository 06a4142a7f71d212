import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectClient, connectionConfig } from '../../src/database/connection.ts'
import { createDatabase } from '../../src/database/database.ts'
import { type ConnectionPurpose, sessionSettingsOf } from '../../src/database/session-settings.ts'
import { otherDefaults, setDefaults } from '../support/postgres/other-defaults.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
  await setDefaults(test.connectionString, [
    ...otherDefaults.map(([setting]) => setting!),
    'row_security = on',
    'jit = on',
    'enable_indexscan = off',
    'enable_nestloop = off',
    'enable_partition_pruning = off',
    'default_transaction_deferrable = on'
  ])
})
afterAll(() => test.drop())

const purposes: readonly ConnectionPurpose[] = ['commit', 'search', 'jobs', 'listen', 'lock', 'migration']

async function settingsOf(client: pg.Client, names: readonly string[]): Promise<unknown> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [names]
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

/** Adds to the query part of the connection string. */
function withParameters(parameters: Readonly<Record<string, string>>): string {
  const address = new URL(test.connectionString)
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  return address.href
}

describe('a connection', () => {
  it.each(purposes)('for %s has its settings, whatever database and role say', async purpose => {
    const client = await connectClient(connectionConfig(test.connectionString, purpose))
    const wanted = sessionSettingsOf(purpose)
    expect(await settingsOf(client, Object.keys(wanted))).toEqual(wanted)
    expect(await settingsOf(client, ['client_encoding', 'transaction_timeout'])).toEqual({
      client_encoding: 'UTF8',
      transaction_timeout: '0'
    })
    await client.end()
  })

  it.each(['commit', 'search'] as const)('of the pool for %s has them as well', async purpose => {
    const { connectionString } = test
    const database = createDatabase({ connectionString, poolSize: 1, purpose })
    const [row] = await database.prisma.$queryRaw<unknown[]>`
      SELECT current_setting('synchronous_commit') AS commit, current_setting('TimeZone') AS zone,
        current_setting('transaction_timeout') AS timeout, current_setting('default_transaction_read_only') AS reads`
    const reads = purpose === 'search' ? 'on' : 'off'
    expect(row).toEqual({ commit: 'on', zone: 'UTC', timeout: '0', reads })
    await database.close()
  })

  it('has them, whatever the connection string says, and what else that says', async () => {
    const connectionString = withParameters({
      options: '-c work_mem=8MB -c statement_timeout=1 -c TimeZone=Asia/Kolkata',
      statement_timeout: '1',
      lock_timeout: '1',
      application_name: 'plant-7'
    })
    const client = await connectClient(connectionConfig(connectionString, 'commit'))
    const names = ['work_mem', 'statement_timeout', 'lock_timeout', 'TimeZone', 'application_name']
    expect(await settingsOf(client, names)).toEqual({
      work_mem: '8MB',
      statement_timeout: '15s',
      lock_timeout: '7500ms',
      TimeZone: 'UTC',
      application_name: 'plant-7'
    })
    await client.end()
  })

  it('is refused where the options are lost on the way, as some poolers do', async () => {
    const config = connectionConfig(test.connectionString, 'commit')
    const error: unknown = await connectClient({ ...config, options: '-c statement_timeout=15s' }).catch(
      (reason: unknown) => reason
    )
    expect(error).toMatchObject({ code: 'config_invalid' })
    expect((error as { violations: unknown[] }).violations).toContainEqual(
      expect.objectContaining({ pointer: 'DATABASE_URL', expected: 'connections with TimeZone = UTC' })
    )
  })
})

it('is made in no other way anywhere', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url))
  const making = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.startsWith('database/generated/'))
    .map(file => readFileSync(join(source, file), 'utf8'))
    .filter(text => /new (pg\.)?(Client|Pool|PgBoss|PrismaPg)\(/.test(text))
  expect(making.length).toBeGreaterThan(3)
  for (const text of making) expect(text).toMatch(/connectionConfig|startupOptionsOf/)
})
