import { maySeeLine, type Principal } from '../../../access/principal.ts'
import { hiding } from '../../../errors/mintline-error.ts'
import type { IssuanceRecord } from '../../../records/record.ts'
import { issuanceNotFound } from '../../../records/records.ts'

/**
 * What a station did not ask for itself is not there for it, nor what is of other lines for who is held to some.
 *
 * @returns the same principal.
 * @throws MintlineError `issuance_not_found`.
 */
export function assertOwn(principal: Principal, { id, station, line }: IssuanceRecord): Principal {
  const isOwn = principal.role !== 'station' || station === principal.name
  if (!isOwn) throw hiding(issuanceNotFound(id), 'role_forbidden')
  if (!maySeeLine(principal, line)) throw hiding(issuanceNotFound(id), 'lines_forbidden')
  return principal
}
