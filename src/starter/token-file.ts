import { join } from 'node:path'
import type { Role } from '../access/principal.ts'

/** Where the starter token of a role is written. */
export function tokenFile(dataDirectory: string, role: Role): string {
  return join(dataDirectory, `${role}-token`)
}
