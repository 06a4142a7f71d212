import type { Prisma } from '../database/database.ts'
import { type Act, type AuditEvent, tokenRevoked } from './audit-event.ts'

type Transaction = Pick<Prisma.TransactionClient, 'auditEvent' | '$queryRaw'>

/**
 * Inserts the event by the client of the transaction that does the act, so that there is no act without its event, no
 * event without its act, and neither by a token that is revoked.
 *
 * @throws MintlineError `token_invalid`.
 */
export async function insertAuditEvent(client: Transaction, event: AuditEvent): Promise<void> {
  await assertTokenStands(client, event)
  await client.auditEvent.create({ data: toRow(event) })
}

/** As above, of any number of events. */
export async function insertAuditEvents(client: Transaction, events: readonly AuditEvent[]): Promise<void> {
  for (const tokenId of new Set(events.map(event => event.tokenId)))
    await assertTokenStands(client, { tokenId })
  for (let at = 0; at < events.length; at += maximumRows) {
    await client.auditEvent.createMany({ data: events.slice(at, at + maximumRows).map(toRow) })
  }
}

/**
 * The event of a command that works as the owner of the tables, which is by no token: the statement for its transaction.
 */
export function auditEventStatement(event: AuditEvent): {
  readonly text: string
  readonly values: unknown[]
} {
  const { id, createdAt, actor, act, subject, before, after, reason } = event
  return {
    text: `INSERT INTO audit_event (id, created_at, actor, act, subject, before, after, reason)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [id, createdAt, actor, act, subject, jsonOf(before), jsonOf(after), reason ?? null]
  }
}

const jsonOf = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value))

/** Of one statement. */
const maximumRows = 500

function toRow({
  id,
  createdAt,
  actor,
  act,
  subject,
  before,
  after,
  reason,
  requestId,
  credential
}: AuditEvent) {
  return {
    id,
    createdAt,
    actor,
    act,
    subject,
    reason: reason ?? null,
    requestId: requestId ?? null,
    credential: credential ?? null,
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after })
  }
}

/**
 * Holds off the revocation of the token until the transaction is over, so that nothing is committed by a token that was
 * revoked before, on whatever process, or has ended.
 *
 * @throws MintlineError `token_invalid`.
 */
export async function assertTokenStands(
  client: Pick<Transaction, '$queryRaw'>,
  { tokenId }: Pick<Act, 'tokenId'>
): Promise<void> {
  if (tokenId === undefined) return
  const standing = await client.$queryRaw<unknown[]>`
    SELECT id FROM token
    WHERE id = ${tokenId}::uuid AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())
    FOR SHARE`
  if (standing.length === 0) throw tokenRevoked()
}
