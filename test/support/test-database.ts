import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { createDatabase, type Database } from '../../src/database/database.ts'

/** A migrated database of a test file's own. */
export interface TestDatabase extends AsyncDisposable {
  readonly connectionString: string
  readonly database: Database
  /** Closes `database` and drops it, whoever may still be connected. */
  drop(): Promise<void>
}

/** Clones the template of the run, or makes an empty database. Call it in `beforeAll`, and `drop` in `afterAll`. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const template = new URL(inject('templateDatabase'))
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const source = empty ? 'template0' : template.pathname.slice(1)
  await onServer(template, `CREATE DATABASE ${name} TEMPLATE ${source}`)
  const connectionString = withDatabase(template, name)
  const database = createDatabase({ connectionString, poolSize: 5 })
  const drop = async (): Promise<void> => {
    await database.close()
    await onServer(template, `DROP DATABASE ${name} WITH (FORCE)`)
  }
  return { connectionString, database, drop, [Symbol.asyncDispose]: drop }
}

/** Through a database that is not the template: a connection to that one would bar the others from cloning it. */
async function onServer(template: URL, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(template, 'postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function withDatabase(address: URL, name: string): string {
  const changed = new URL(address)
  changed.pathname = name
  return changed.href
}
