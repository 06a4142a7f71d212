import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { createDatabase, type Database } from '../../src/database/database.ts'

/** A migrated database of a test file's own. */
export interface TestDatabase extends AsyncDisposable {
  /** Of the owner, whom nothing keeps from changing the record. */
  readonly connectionString: string
  /** Of the role that the service works with. */
  readonly serviceConnectionString: string
  /** As the service works with it: what its role may not do fails here. */
  readonly database: Database
  /** As the owner. */
  readonly owner: Database
  /** Closes both and drops it, whoever may still be connected. */
  drop(): Promise<void>
}

/** Clones the template of the run, or makes an empty database, where both roles are the owner. Call it in `beforeAll`, and `drop` in `afterAll`. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const template = new URL(inject('templateDatabase'))
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const source = empty ? 'template0' : template.pathname.slice(1)
  // Page by page through the log, as it is by default, takes more than half as long again.
  await onServer(template, `CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY file_copy`)
  const connectionString = withDatabase(template, name)
  const serviceConnectionString = empty
    ? connectionString
    : withDatabase(new URL(inject('templateForService')), name)
  const database = createDatabase({ connectionString: serviceConnectionString, poolSize: 5 })
  const owner = createDatabase({ connectionString, poolSize: 1 })
  const drop = async (): Promise<void> => {
    await Promise.all([database.close(), owner.close()])
    await onServer(template, `DROP DATABASE ${name} WITH (FORCE)`)
  }
  return { connectionString, serviceConnectionString, database, owner, drop, [Symbol.asyncDispose]: drop }
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
