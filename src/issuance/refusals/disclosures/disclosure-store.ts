import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'

export interface DisclosureStore {
  insertEvent(event: AuditEvent): Promise<void>
  /** What bodies are hashed with of which nothing is kept; the same for ever. */
  readSalt(): Promise<Uint8Array>
}

export function createDisclosureStore({ prisma }: Database): DisclosureStore {
  let salt: Uint8Array | undefined
  return {
    async insertEvent(event) {
      await runQuery(() => insertAuditEvent(prisma, event))
    },
    async readSalt() {
      salt ??= (await runQuery(() => prisma.bodySalt.findUniqueOrThrow({ where: { name: 'body' } }))).salt
      return salt
    }
  }
}
