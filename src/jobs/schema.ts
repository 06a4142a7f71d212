import { PgBoss } from 'pg-boss'
import { connectionConfig } from '../database/connection.ts'
import { isPrivilegeMissing } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { jobKinds, jobRules, tickQueue } from './rules.ts'

export interface JobSchemaOptions {
  /** Of the role that owns the schema, or makes it. */
  readonly connectionString: string
  /** What it was set by, for advice. */
  readonly setting?: string
}

/**
 * Makes the library's schema, or brings it to the library's version, and the queues in it with the rules of this
 * program, which hold also for a queue that an older one made. May be called by several processes at once.
 *
 * @throws MintlineError `database_unavailable`; `config_invalid` when the role may not make that schema.
 */
export async function prepareJobSchema({
  connectionString,
  setting = 'DATABASE_URL'
}: JobSchemaOptions): Promise<void> {
  const boss = new PgBoss({
    ...connectionConfig(connectionString, 'jobs'),
    max: 1,
    registerInstance: false,
    supervise: false,
    schedule: false
  })
  // What it says besides goes with what it does: a query fails, and that is told.
  boss.on('error', () => undefined)
  try {
    await runQuery(async () => {
      await boss.start()
      await defineQueues(boss)
    })
  } catch (error) {
    throw isPrivilegeMissing(error) ? adviseToGrant(setting, error) : error
  } finally {
    await boss.stop({ graceful: false }).catch(() => undefined)
  }
}

async function defineQueues(boss: PgBoss): Promise<void> {
  await boss.createQueue(tickQueue, { retryLimit: 0, deleteAfterSeconds: 600 })
  for (const kind of jobKinds) {
    const rules = jobRules[kind]
    await boss.createQueue(kind, { policy: 'singleton', ...rules })
    await boss.updateQueue(kind, rules)
  }
}

function adviseToGrant(setting: string, cause: unknown): MintlineError {
  return new MintlineError('config_invalid', 'The job queue cannot make its tables.', {
    violations: [
      {
        pointer: setting,
        expected: 'a role that may make the schema pgboss, and owns it from then on',
        found: 'a role that may not',
        message: 'Let it own the database, or GRANT CREATE ON DATABASE to it.'
      }
    ],
    cause
  })
}
