import { type Core, type CoreOverrides, createCore } from '../../src/composition/core.ts'
import { type Environment, loadConfig } from '../../src/config/config.ts'
import type { Database } from '../../src/database/database.ts'
import { silentLog } from './silent-log.ts'

export interface TestCore extends Core {
  /** What it started. A test of one process may leave that to the end of the process. */
  readonly stops: AsyncDisposableStack
}

/** What a process of the service has, as production puts it together, on a test's database and data directory. */
export function createTestCore(
  database: Database,
  dataDirectory: string,
  { settings = {}, ...overrides }: CoreOverrides & { readonly settings?: Environment } = {}
): TestCore {
  const stops = new AsyncDisposableStack()
  const config = loadConfig({ MINTLINE_DATA_DIR: dataDirectory, ...settings })
  // Only who follows changes, or works on jobs, connects by itself.
  const ground = { config, log: silentLog, database, search: database, connectionString: '' }
  return { ...createCore(ground, stops, overrides), stops }
}
