import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { type Migration, migrationsDirectory } from '../../src/database/migrations/migration.ts'
import { nothingExternal, withSchemaEngine } from './schema-engine.ts'

/** Prisma's own shape of migrations, for the schema engine. */
export function migrationList(migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: migrationsDirectory,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } }
    }))
  }
}

/**
 * What schema.prisma says beyond the migrations, as SQL; undefined where they agree. The migrations are tried in a
 * database of their own on the same server.
 */
export async function diffToSchema(
  connectionString: string,
  migrations: readonly Migration[]
): Promise<string | undefined> {
  const content = await readFile(path.join(migrationsDirectory, '../schema.prisma'), 'utf8')
  const { exitCode, stdout } = await withSchemaEngine(connectionString, engine =>
    engine.diff({
      from: { tag: 'migrations', ...migrationList(migrations) },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content }] },
      script: true,
      exitCode: true,
      filters: nothingExternal
    })
  )
  return exitCode === 0 ? undefined : (stdout ?? undefined)
}
