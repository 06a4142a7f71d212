import type { Act } from '../../../audit/audit-event.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { type Clock, laterThan } from '../../../sources/clock.ts'
import { firstIdentifierOf } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { Lot } from '../lot.ts'
import type { LotStore } from '../lot-store.ts'
import { findOrRefuse, lotEvent, requireOpen } from '../lots.ts'
import type { Arriving, ArrivingStore } from './arriving-store.ts'
import type { DeviceListFacts } from './list/device-list.ts'
import type { DeviceListStore, MissingDevice } from './list/device-list-store.ts'
import { devicesIssued } from './list/errors.ts'

export interface InstallDependencies {
  readonly lotStore: Pick<LotStore, 'find'>
  readonly arriving: Pick<ArrivingStore, 'drop'>
  readonly store: Pick<DeviceListStore, 'listMissing' | 'install'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** Lost against other changes of the lot: a second try is nearly always enough. */
const maximumTries = 8
/** Longer than it can be from the making of an intent's id to its commit, on any clock. */
const longestCommitMs = 5 * 60_000
/** Below the id of any intent. */
const noIntent = '00000000-0000-0000-0000-000000000000'
const maximumMissing = 100

interface Change {
  readonly id: string
  /** Undefined: none. */
  readonly list: Arriving | undefined
}

/**
 * Gives the lot its list, or none, under the lock that places are taken under.
 *
 * @returns the list that the lot has then.
 * @throws MintlineError `lot_not_found`, `lot_closed`, `devices_issued`, `devices_upload_conflict`.
 */
export async function installList(
  dependencies: InstallDependencies,
  { id, list }: Change,
  act: Act
): Promise<DeviceListFacts | undefined> {
  const { lotStore, store, arriving, clock } = dependencies
  const since = firstIdentifierOf(new Date(clock().getTime() - longestCommitMs))
  let isLooked = false
  for (let tries = 1; tries <= maximumTries; tries++) {
    const lot = await findOrRefuse(lotStore, id)
    requireOpen(lot, 'lot.change')
    const devices = list === undefined ? null : factsOf(list)
    if (isSame(lot.devices, devices)) {
      if (list !== undefined) await arriving.drop(list.id)
      return lot.devices ?? undefined
    }
    if (list !== undefined && lot.taken > 0 && !isLooked) {
      await assertIssuedListed(store, id, list.id)
      isLooked = true
    }
    const changedAt = laterThan(lot.changedAt, clock)
    const after: Lot = { ...lot, devices, changedAt, changedBy: act.actor }
    const event = lotEvent(dependencies, act, { act: 'lot.devices', before: lot, after })
    // None had a place before: whoever takes one now is looked at under the lock.
    const outcome = await store.install({
      lot,
      listId: list?.id,
      since: isLooked ? since : noIntent,
      changedAt,
      event
    })
    if (outcome.kind === 'missing') throw devicesIssued(id, outcome.missing)
    if (outcome.kind === 'installed') return devices ?? undefined
  }
  const detail = `The lot ${id} is being changed by others at this moment. Send the list again.`
  throw new MintlineError('devices_upload_conflict', detail)
}

const factsOf = ({ id, devices, sha256, namingSha256 }: Arriving): DeviceListFacts => ({
  id,
  devices,
  sha256: sha256!,
  namingSha256
})

function isSame(one: DeviceListFacts | null, other: DeviceListFacts | null): boolean {
  if (one === null || other === null) return one === other
  return (
    Buffer.compare(one.sha256, other.sha256) === 0 &&
    Buffer.compare(one.namingSha256, other.namingSha256) === 0
  )
}

/** @throws MintlineError `devices_issued`. */
async function assertIssuedListed(
  store: Pick<DeviceListStore, 'listMissing'>,
  lot: string,
  listId: string
): Promise<void> {
  const missing: MissingDevice[] = []
  for (let after: string | undefined = noIntent; after !== undefined && missing.length < maximumMissing;) {
    const part = await store.listMissing(lot, listId, after)
    missing.push(...part.missing)
    after = part.last
  }
  if (missing.length > 0) throw devicesIssued(lot, missing.slice(0, maximumMissing))
}
