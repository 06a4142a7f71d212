import type { TestProject } from 'vitest/node'
import { migrateDatabase } from '../../../src/database/migrations/migrations.ts'
import { admitServiceRole, makeServiceRole } from '../../../src/database/roles/roles.ts'
import { prepareJobSchema } from '../../../src/jobs/schema.ts'
import { silentLog } from '../silent-log.ts'
import { keepMadeCluster } from './made-cluster.ts'
import { startTestPostgres, type TestPostgres } from './test-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated, empty database that nobody may connect to while it is being cloned, with its owner's role. */
    templateDatabase: string
    /** The same with the role that the service works with. */
    templateForService: string
  }
}

/** Each project loads this file anew: what they share is kept with the process. */
const shared = globalThis as { mintlineTestServer?: Promise<TemplateServer> | undefined }

interface TemplateServer extends TestPostgres {
  readonly forService: string
  /** See `madeCluster`. */
  readonly madeCluster: string
}

/** One PostgreSQL for all projects of the run that need one, with one migrated database to clone. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  shared.mintlineTestServer ??= startWithTemplate()
  const { connectionString, forService, madeCluster } = await shared.mintlineTestServer
  project.provide('madeCluster', madeCluster)
  project.provide('templateDatabase', connectionString)
  project.provide('templateForService', forService)
  return async () => {
    const server = shared.mintlineTestServer
    shared.mintlineTestServer = undefined
    await (await server)?.remove()
  }
}

async function startWithTemplate(): Promise<TemplateServer> {
  const postgres = await startTestPostgres()
  const { connectionString } = postgres
  await migrateDatabase({ connectionString, log: silentLog })
  await prepareJobSchema({ connectionString })
  // Before there is the service's role, whose password each service makes for itself.
  await postgres.stop()
  const made = await keepMadeCluster(postgres.dataDirectory)
  await postgres.start()
  const forService = await makeServiceRole(connectionString)
  await admitServiceRole({ owner: connectionString, service: forService })
  return {
    ...postgres,
    forService,
    madeCluster: made?.path ?? '',
    async remove() {
      await made?.remove()
      await postgres.remove()
    }
  }
}
