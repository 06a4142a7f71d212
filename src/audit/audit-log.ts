import type { Page, PageQuery } from '../sources/page.ts'

/** An audit event as it is on record; null for what was not known of it. */
export interface AuditEntry {
  readonly id: string
  readonly createdAt: Date
  readonly actor: string
  readonly act: string
  readonly subject: string
  readonly before: object | null
  readonly after: object | null
  readonly reason: string | null
  readonly requestId: string | null
  readonly credential: string | null
}

/**
 * All given conditions hold together; `from` is inclusive, `to` exclusive. Actor, act and subject are taken exactly, or,
 * where they end in `*`, as what the value begins with.
 */
export interface AuditQuery extends PageQuery {
  readonly actor?: string | undefined
  readonly act?: string | undefined
  readonly subject?: string | undefined
  readonly credential?: string | undefined
  readonly requestId?: string | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** What was done, for who looks it up. */
export interface AuditLog {
  /** @throws MintlineError `audit_event_not_found`. */
  find(id: string): Promise<AuditEntry>
  /** Newest first; the id is the cursor. */
  list(query: AuditQuery): Promise<Page<AuditEntry>>
  /** About how many events the whole list has. */
  estimate(query: AuditQuery): Promise<number>
}
