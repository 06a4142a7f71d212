import type { Principal } from '../../../access/principal.ts'
import { actorOf, type AuditEvent, buildAuditEvent, type ToldAct } from '../../../audit/audit-event.ts'
import type { ClockTrust } from '../../../clock/clock-trust.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import type { MintlineError } from '../../../errors/mintline-error.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import type { CountReason } from '../../../records/refusal-counts/refusal-count.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { RefusalCounting } from '../counting.ts'
import type { RepeatWindows } from '../repeat-windows.ts'
import type { StationLimits } from '../station-limits.ts'
import type { KeyListing } from './disclosed-keys.ts'

/** A private key that came by another route than the one for certificates. */
interface DisclosedByTheWay {
  /** E.g. `POST /v1/profiles`. */
  readonly route: string
  readonly principal: Principal
  readonly requestId: string
  readonly kept: { readonly bodyLength: number; readonly bodySha256: Uint8Array }
  readonly listing: KeyListing
}

/**
 * Puts it into the audit, or counts it with the refusals: within the same bounds as those, so that nobody makes the audit
 * grow without one.
 *
 * @returns the error to answer with.
 */
export type AuditDisclosure = (error: MintlineError, disclosed: DisclosedByTheWay) => Promise<MintlineError>

export interface DisclosureAuditDependencies {
  readonly insertEvent: (event: AuditEvent) => Promise<void>
  readonly repeats: RepeatWindows
  readonly limits: StationLimits
  readonly counting: Pick<RefusalCounting, 'count'>
  /** True while the database has no room to spare for refusals. */
  readonly storageReserve: () => boolean
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn'>
}

export function createDisclosureAudit(dependencies: DisclosureAuditDependencies): AuditDisclosure {
  const { insertEvent, repeats, limits, counting, storageReserve, log } = dependencies
  const { clockTrust, clock, randomBytes } = dependencies

  async function insert({ route, principal, requestId, kept, listing }: DisclosedByTheWay): Promise<string> {
    // Its event would be of a wrong time, by which later clocks would be judged.
    await clockTrust.assertTrusted()
    const { bodyLength, bodySha256 } = kept
    const after = { route, bodyLength, saltedBodySha256: toHex(bodySha256), ...listing }
    const actor = actorOf(principal)
    const subject = `request/${requestId}`
    const credential = principal.tokenId ?? principal.subject
    const what: ToldAct = { actor, credential, requestId, act: 'key.disclose', subject, after }
    const event = buildAuditEvent(what, { time: clock(), randomBytes })
    await insertEvent(event)
    return event.id
  }

  return async (error, disclosed) => {
    const { principal, route, kept } = disclosed
    const key = JSON.stringify([principal.tokenId ?? principal.subject, route, toHex(kept.bodySha256)])
    const reasonToCount = (): CountReason | undefined => {
      if (storageReserve()) return 'storage_reserve'
      if (repeats.find(key) !== undefined) return 'repeat'
      const actor = actorOf(principal)
      const admission = limits.take(actor)
      if (admission === 'limit-began') {
        log.warn({ actor }, 'sends more private keys than are recorded; further ones are only counted')
      }
      return admission === 'within' ? undefined : 'station_limit'
    }
    const reason = reasonToCount()
    if (reason === undefined) {
      const insertion = insert(disclosed)
      repeats.open(key, insertion)
      await insertion.catch((failure: unknown) => {
        limits.giveBack(actorOf(principal))
        throw failure
      })
      return error
    }
    await repeats.find(key)
    const { tokenId = null, name: station } = principal
    counting.count({ reason, station, tokenId, code: error.code, profileName: null, refusalId: null })
    return error
  }
}
