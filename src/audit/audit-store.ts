import type { Prisma } from '../database/database.ts'
import type { AuditEvent } from './audit-event.ts'

/**
 * Inserts the event by the client of the transaction that does the act, so that there is no act without its event and no
 * event without its act. It may be one of the promises of `$transaction([…])`.
 */
export function insertAuditEvent(client: Pick<Prisma.TransactionClient, 'auditEvent'>, event: AuditEvent) {
  const { id, createdAt, actor, act, subject, before, after, reason, requestId } = event
  return client.auditEvent.create({
    data: {
      id,
      createdAt,
      actor,
      act,
      subject,
      reason: reason ?? null,
      requestId: requestId ?? null,
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after })
    }
  })
}
