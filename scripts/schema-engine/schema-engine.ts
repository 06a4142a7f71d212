import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type * as EngineModule from '@prisma/schema-engine-wasm/schema_engine_bg'
import { createMigrationAdapter } from './adapter.ts'

/** Every table in the database is ours. */
export const nothingExternal: EngineModule.SchemaFilter = { externalTables: [], externalEnums: [] }

type LoadedEngine = typeof EngineModule

/** The part of it that is used; TypeScript has it among the browser's types only. */
interface WebAssemblyApi {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }

let engineModule: Promise<LoadedEngine> | undefined

/**
 * Lends out Prisma's own schema engine, as WebAssembly: it writes the same `_prisma_migrations` as
 * `prisma migrate deploy` and needs no binary from elsewhere. Loading it takes some 50 ms, so use it only when
 * there is work.
 */
export async function withSchemaEngine<Result>(
  connectionString: string,
  work: (engine: EngineModule.SchemaEngine) => Promise<Result>
): Promise<Result> {
  engineModule ??= loadEngineModule()
  const { SchemaEngine } = await engineModule
  const adapter = createMigrationAdapter(connectionString)
  try {
    const bound = bindMigrationAwareSqlAdapterFactory(adapter)
    using engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, bound)
    return await work(engine)
  } finally {
    await adapter.dispose()
  }
}

/** The package's entry imports the .wasm file as a module, which Node does not do without a warning. */
async function loadEngineModule(): Promise<LoadedEngine> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const [module, bytes] = await Promise.all([
    import('@prisma/schema-engine-wasm/schema_engine_bg'),
    readFile(path.join(path.dirname(entry), 'schema_engine_bg.wasm'))
  ])
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': { ...module, ...timersWithoutHold(module) }
  })
  module.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start'] as () => void
  start()
  return module
}

/** The engine never clears the timer of its own lock's timeout, which would hold the process for ten seconds. */
function timersWithoutHold(module: LoadedEngine): Record<string, unknown> {
  const names = Object.keys(module).filter(name => name.startsWith('__wbg_setTimeout_'))
  const setTimer = (callback: () => void, ms: number): NodeJS.Timeout => setTimeout(callback, ms).unref()
  return Object.fromEntries(names.map(name => [name, setTimer]))
}
