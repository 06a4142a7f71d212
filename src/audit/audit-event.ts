import { MintlineError } from '../errors/mintline-error.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { AuditAct } from './audit-act.ts'

/**
 * Who acts, and why. An administrative act brings it along from where it comes in to its event, so what the audit shall
 * also know of whoever acts is a member here, and a column.
 */
export interface Act {
  /** A principal's `role/name`, `cli/<user of the operating system>`, `mintline/starter`, or `system`. */
  readonly actor: string
  /** Of the token that the request came with. The act is not done when it is revoked by then; see `assertTokenStands`. */
  readonly tokenId?: string | undefined
  /** What let the actor in: the id of that token, or `oidc:<sub>` of who signed in elsewhere. */
  readonly credential?: string | undefined
  readonly reason?: string | undefined
  /** Of the HTTP request, where it came by one: the service's log has it as well. */
  readonly requestId?: string | undefined
}

/** What an administrative act did, as it is kept for ever. */
export interface AuditEvent extends Act {
  readonly id: string
  readonly createdAt: Date
  /** The noun and what was done to it, e.g. `token.revoke`. */
  readonly act: AuditAct
  /** The noun and which of them, e.g. `token/<id>`. */
  readonly subject: string
  readonly before?: object | undefined
  readonly after?: object | undefined
}

/** An act as whoever does it tells it. */
export type ToldAct = Omit<AuditEvent, 'id' | 'createdAt'>

/** Mintline itself, where it keeps what it found. */
export const systemAct: Act = { actor: 'system' }

export function buildAuditEvent(
  what: ToldAct,
  { time, randomBytes }: { readonly time: Date; readonly randomBytes: RandomBytes }
): AuditEvent {
  return { ...what, id: newId(time, randomBytes), createdAt: time }
}

/** What a request meets whose token is revoked by the time of its commit. */
export function tokenRevoked(): MintlineError {
  return new MintlineError(
    'token_invalid',
    'This token has been revoked. Ask the administrator for a new one.'
  )
}

/** A principal as the audit names it. */
export function actorOf({ role, name }: { readonly role: string; readonly name: string }): string {
  return `${role}/${name}`
}
