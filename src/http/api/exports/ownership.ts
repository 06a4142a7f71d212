import type { Principal } from '../../../access/principal.ts'
import { actorOf } from '../../../audit/audit-event.ts'
import { hiding, MintlineError } from '../../../errors/mintline-error.ts'
import type { Export, ExportedList } from '../../../exports/export.ts'
import { exportNotFound } from '../../../exports/exports.ts'

const auditRoles = ['auditor', 'admin'] as const

/**
 * A list may be exported by whom its own route lets in.
 *
 * @throws MintlineError `role_forbidden`, `lines_forbidden`.
 */
export function assertMayExport({ role, lines }: Principal, of: ExportedList): void {
  if (of !== 'audit-events') return
  if (!(auditRoles as readonly string[]).includes(role)) {
    throw new MintlineError(
      'role_forbidden',
      `Audit events need a token of the role ${auditRoles.join(' or ')}; this token is of the role ${role}.`,
      { members: { requiredRoles: auditRoles } }
    )
  }
  if (lines === undefined) return
  throw new MintlineError(
    'lines_forbidden',
    `This token is for the lines ${lines.join(', ')} alone, and audit events are of all lines. Ask the administrator for a token without lines.`
  )
}

/** Undefined: everybody's. */
export function visibleTo(principal: Principal): string | undefined {
  return principal.role === 'admin' && principal.lines === undefined ? undefined : actorOf(principal)
}

/**
 * Others' exports are not there. One's own are, but for what is in them and may not be seen any more.
 *
 * @returns the same.
 * @throws MintlineError `export_not_found`; `lines_forbidden`.
 */
export function assertMayRead(principal: Principal, found: Export): Export {
  const visible = visibleTo(principal)
  if (visible !== undefined && visible !== found.createdBy)
    throw hiding(exportNotFound(found.id), 'role_forbidden')
  assertMayExport(principal, found.of)
  const { lines } = principal
  const isCovered = lines === undefined || found.lines?.every(line => lines.includes(line)) === true
  if (isCovered) return found
  throw new MintlineError(
    'lines_forbidden',
    `The export ${found.id} is of lines that this token is not for any more. Ask for it anew.`
  )
}
