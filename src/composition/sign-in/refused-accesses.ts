import { createRefusedAccesses, type RefusedAccesses } from '../../access/refused/refused-access.ts'
import { createRefusedAccessStore } from '../../access/refused/refused-access-store.ts'
import type { Core } from '../core.ts'

/** What there is is written before the database is closed. */
export function openRefusedAccesses(
  { database, clock, randomBytes, log }: Core,
  stops: AsyncDisposableStack,
  storageReserve: () => boolean
): RefusedAccesses {
  const { insert } = createRefusedAccessStore(database)
  const refusedAccesses = createRefusedAccesses({ insert, storageReserve, clock, randomBytes, log })
  stops.defer(() => refusedAccesses.close())
  return refusedAccesses
}
