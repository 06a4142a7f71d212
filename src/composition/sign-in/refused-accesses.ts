import { createRefusedAccesses, type RefusedAccesses } from '../../access/refused/refused-access.ts'
import { insertAuditEvents } from '../../audit/audit-store.ts'
import { transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { Core } from '../core.ts'

/** What there is is written before the database is closed. */
export function openRefusedAccesses(
  { database, clock, randomBytes, log }: Core,
  stops: AsyncDisposableStack,
  storageReserve: () => boolean
): RefusedAccesses {
  const refusedAccesses = createRefusedAccesses({
    insert: events =>
      runQuery(() =>
        database.prisma.$transaction(transaction => insertAuditEvents(transaction, events), transactionLimits)
      ),
    storageReserve,
    clock,
    randomBytes,
    log
  })
  stops.defer(() => refusedAccesses.close())
  return refusedAccesses
}
