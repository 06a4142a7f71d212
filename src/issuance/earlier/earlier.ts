import type { MintlineError } from '../../errors/mintline-error.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { reissueOf } from '../../profiles/reissue/reissue-rules.ts'
import type { IssuedRecord } from '../../records/record.ts'
import type { EarlierIntent, Records } from '../../records/records.ts'
import { requestDigest } from '../../records/requested-subject.ts'
import type { IntentOutcome } from '../commit/cycle-store.ts'
import { clashViolations, isOtherDevice } from '../device-identity.ts'
import type { Draft } from '../draft.ts'
import {
  barringRefusal,
  type EndDependencies,
  endedOf,
  endedRefusal,
  isHeld,
  isReissued,
  revokedBlockedRefusal,
  successorOf
} from '../ends/ended.ts'
import type { Replay } from '../replay.ts'
import { digestOf, type IssuanceResult, type Progress, subjectAskedFor } from '../request.ts'
import { alreadyCertified } from './already-certified.ts'

interface EarlierDependencies extends EndDependencies {
  readonly records: Pick<Records, 'findByKey'>
  readonly replay: Replay
}

interface Taken {
  readonly draft: Draft
  /** Name of the one that is asked for. */
  readonly profile: string
}

/**
 * A retry gets what it got before, as long as that stands, whatever else the device has by now.
 *
 * @throws MintlineError `key_already_certified`, `device_already_certified`, or the end of what is in the way.
 */
export async function resolveTaken(
  dependencies: EarlierDependencies,
  { byKey, byDevice }: Extract<IntentOutcome, { kind: 'taken' }>,
  { draft: { intent, device, tbs }, profile }: Taken
): Promise<IssuanceResult> {
  const { replay, findSettled } = dependencies.replay
  const isRetryOf = ({ requestSha256 }: EarlierIntent) => isEqual(requestSha256, intent.requestSha256)
  const latest = byDevice === undefined ? undefined : await findSettled(byDevice)
  if (latest !== undefined && isRetryOf(latest)) return replay(latest)
  const endedLatest = latest && endedOf(latest.record)
  const own = byKey === undefined ? undefined : await findUse(dependencies, byKey, intent)
  if (own !== undefined && isRetryOf(own)) {
    const ended = endedOf(own.record)
    if (ended === undefined) return replay(own)
    // After a compromise, what is in the way of its next certificate is the end of the last one.
    const isSucceeded =
      ended.outcome === 'issued' && (ended.supersession !== undefined || ended.scrap !== undefined)
    if (endedLatest !== undefined && !isSucceeded) throw await barringRefusal(endedLatest, dependencies)
    throw await endedRefusal(ended, dependencies, latest?.record)
  }
  if (endedLatest !== undefined) throw await barringRefusal(endedLatest, dependencies)
  if (own === undefined) {
    const violations = device && clashViolations(device, tbs.subject, latest!.record.subject)
    throw await alreadyCertified(
      { code: 'device_already_certified', earlier: latest!.record, profile, violations },
      dependencies
    )
  }
  throw await alreadyCertified(
    {
      code: 'key_already_certified',
      earlier: own.record,
      latest: latest?.record,
      profile,
      isOwnKey: isEqual(own.deviceSha256, intent.deviceSha256),
      otherDevice: isOtherDevice(tbs.subject, own.record.subject, device?.fields)
    },
    dependencies
  )
}

/** Of several uses of a key by its device the last one that was asked for alike counts, else the last. */
async function findUse(
  { records, replay }: Pick<EarlierDependencies, 'records' | 'replay'>,
  firstId: string,
  { spkiSha256, requestSha256 }: Pick<Draft['intent'], 'spkiSha256' | 'requestSha256'>
): Promise<EarlierIntent> {
  const use = (await records.findByKey(spkiSha256, requestSha256)) ?? (await records.findByKey(spkiSha256))
  return use?.record.outcome === 'issued' ? use : replay.findSettled(use?.record.id ?? firstId)
}

export interface ServedDependencies extends EarlierDependencies {
  readonly blockedKeys: Pick<BlockedKeys, 'find' | 'refusalOf'>
}

/** What the same request got before, maybe before `refusal` stood in its way; not of a key that is blocked by now. */
export async function findServed(
  dependencies: ServedDependencies,
  { csr, request }: Progress,
  refusal?: MintlineError
): Promise<IssuanceResult | undefined> {
  const { records, blockedKeys, replay } = dependencies
  if (csr === undefined) return undefined
  const spkiSha256 = digestOf(csr.spkiDer)
  const asked = requestDigest(spkiSha256, subjectAskedFor(csr, request), request.profile)
  const blocked = await blockedKeys.find(spkiSha256)
  if (blocked !== undefined) {
    const refusal = await revokedBefore(dependencies, { spkiSha256, requestSha256: asked })
    throw refusal ?? (await blockedKeys.refusalOf(blocked, request.station))
  }
  const earlier = await records.findByKey(spkiSha256)
  if (earlier === undefined) return undefined
  if (!isEqual(earlier.requestSha256, asked)) return undefined
  // What is open needs the key that has just failed.
  if (refusal?.code.startsWith('signer_') === true && earlier.record.outcome !== 'issued') return undefined
  // What stands in the way of its next certificate is the refusal, not the end of the last one.
  if (earlier.record.outcome === 'issued' && (await isNextDue(earlier.record, dependencies))) return undefined
  return replay.replay(earlier)
}

/**
 * Of a request whose key is blocked: the refusal of the certificate that the same request got, where that was revoked. Its end says more
 * than the block, which comes with it where the key is compromised. Undefined: the block is all that there is to tell.
 */
export async function revokedBefore(
  { records, ...dependencies }: EndDependencies & Pick<EarlierDependencies, 'records'>,
  { spkiSha256, requestSha256 }: Pick<Draft['intent'], 'spkiSha256' | 'requestSha256'>
): Promise<MintlineError | undefined> {
  const earlier = await records.findByKey(spkiSha256, requestSha256)
  if (earlier === undefined || earlier.record.outcome === 'void') return undefined
  return revokedBlockedRefusal(earlier.record, dependencies)
}

/** Whether the same request would get the next certificate now. */
async function isNextDue(record: IssuedRecord, dependencies: EndDependencies): Promise<boolean> {
  if (record.scrap !== undefined || record.supersession !== undefined || isHeld(record)) return false
  if (record.compromised !== true) {
    return record.release !== undefined && (await reissueOf(record.profile, dependencies)).sameKey === 'allow'
  }
  if ((await successorOf(record.authority, dependencies)) === undefined) return false
  return isReissued(record, dependencies)
}
