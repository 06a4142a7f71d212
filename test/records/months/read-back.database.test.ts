import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectionConfig } from '../../../src/database/connection.ts'
import { monthlyTables } from '../../../src/records/months/month.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let client: pg.Client
beforeAll(async () => {
  test = await createTestDatabase()
  client = new pg.Client(connectionConfig(test.connectionString, 'migration'))
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await test.drop()
})

interface Check {
  readonly name: string
  readonly definition: string
}

const checksOf = async (table: string): Promise<readonly Check[]> => {
  const { rows } = await client.query<Check>(
    `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE conrelid = ('public.' || $1)::regclass AND contype = 'c' ORDER BY conname`,
    [table]
  )
  return rows
}

/** A dump has a check as text. One that reads back as another keeps a restored month from being attached. */
it.each(monthlyTables)('each check of %s reads back from its text as what it is', async table => {
  const checks = await checksOf(table)
  expect(checks.length).toBeGreaterThan(0)
  await client.query(`CREATE TABLE read_back (LIKE ${table})`)
  try {
    for (const { name, definition } of checks)
      await client.query(`ALTER TABLE read_back ADD CONSTRAINT "${name}" ${definition}`)
    expect(await checksOf('read_back')).toEqual(checks)
  } finally {
    await client.query('DROP TABLE read_back')
  }
})
