import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Migration {
  readonly name: string
  readonly sql: string
}

/** Seen from `src/database/migrations/` and from `dist/database/migrations/` alike. */
export const migrationsDirectory = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

/** In the order in which they apply. */
export async function loadMigrations(directory = migrationsDirectory): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  return Promise.all(
    names
      .sort()
      .map(async name => ({ name, sql: await readFile(path.join(directory, name, 'migration.sql'), 'utf8') }))
  )
}

/** What Prisma calls the checksum of a migration. */
export function sha256HexOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex')
}
