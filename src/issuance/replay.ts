import { setTimeout as delay } from 'node:timers/promises'
import type { Authorities } from '../authorities/authority.ts'
import type { ClockTrust } from '../clock/clock-trust.ts'
import type { WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import { parseTbsCertificate } from '../pki/certificate/certificate.ts'
import { parseCertificationRequest } from '../pki/csr/certification-request.ts'
import type { Profiles } from '../profiles/profile.ts'
import { namesNothing, recordDamaged } from '../records/damaged.ts'
import { namesItsRules } from '../records/facts.ts'
import type { IssuedRecord } from '../records/record.ts'
import type { EarlierIntent, Records } from '../records/records.ts'
import { type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import { type Completion, declaredVoid } from './completion.ts'
import { endedOf, endedRefusal } from './ends/ended.ts'
import { examineReadBack } from './examination.ts'
import { predict } from './prediction.ts'
import type { IssuanceResult } from './request.ts'

export interface ReplayDependencies {
  readonly records: Records
  readonly completion: Completion
  readonly authorities: Authorities
  readonly profiles: Pick<Profiles, 'compiled' | 'current'>
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted' | 'databaseTime'>
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
  /** See `Examined`. */
  readonly publicUrls: readonly string[]
  readonly stopwatch?: Stopwatch
  /**
   * An open intent that is younger may be in the hands of another process: a retry waits that long for its record
   * before it completes the intent itself.
   */
  readonly resumeAfterMs: number
}

export interface Replay {
  /** The same bytes again; where a crash or an outage kept them from being made, they are made now. */
  replay(earlier: EarlierIntent): Promise<IssuanceResult>
  /** Waits for this process's own work first: an intent found open after that is not in its hands. */
  findSettled(intentId: string): Promise<EarlierIntent>
}

const pollMs = 50

export function createReplay(dependencies: ReplayDependencies): Replay {
  const { records, completion, authorities, profiles, clockTrust, weakKeys } = dependencies
  const { publicUrls, resumeAfterMs, stopwatch = systemStopwatch } = dependencies

  async function findSettled(intentId: string): Promise<EarlierIntent> {
    await completion.underWay(intentId)
    return records.findIntent(intentId)
  }

  const waits = new Map<string, Promise<IssuanceResult>>()

  async function replay(earlier: EarlierIntent): Promise<IssuanceResult> {
    const { record } = earlier
    if (record.outcome === 'issued') return answerAgain(record)
    // All retries of one open intent wait together.
    const wait = waits.get(record.id) ?? waitOrComplete(earlier).finally(() => waits.delete(record.id))
    waits.set(record.id, wait)
    return wait
  }

  /**
   * How long another process may still be at work on it, on monotonic time. A clock that ran ahead, or a time that
   * somebody changed in the database, puts the intent into the future: nobody waits for that.
   */
  async function endOfWait({ record }: EarlierIntent): Promise<number> {
    const ageMs = (await clockTrust.databaseTime()).getTime() - record.createdAt.getTime()
    return stopwatch() + Math.min(resumeAfterMs - ageMs, resumeAfterMs)
  }

  async function waitOrComplete(earlier: EarlierIntent, waitEndsMs?: number): Promise<IssuanceResult> {
    const { record } = earlier
    if (record.outcome === 'issued') return answerAgain(record)
    if (record.outcome === 'void') throw declaredVoid(record.id)
    if (endedOf(record)) throw await endedRefusal(record, { authorities, profiles })
    const endMs = waitEndsMs ?? (await endOfWait(earlier))
    // What failed here is in nobody's hands: another process waits as long as this one would.
    const isWaiting = stopwatch() < endMs && !completion.hasFailed(record.id)
    if (isWaiting) await delay(pollMs)
    else await completeOpen(earlier)
    const later = await findSettled(record.id)
    if (later.record.outcome === 'unknown' && endedOf(later.record)) return waitOrComplete(later, endMs)
    // A completion that leaves no certificate on record would do so again, and sign each time.
    if (!isWaiting && later.record.outcome === 'unknown') throw recordDamaged(later.record, [])
    return waitOrComplete(later, endMs)
  }

  async function completeOpen(earlier: EarlierIntent): Promise<void> {
    await clockTrust.assertTrusted()
    const { record, toBeSigned: intent, authorityId } = earlier
    if (!namesItsRules(record)) throw recordDamaged(record, [namesNothing])
    const authority = await authorities.issuingById(authorityId)
    const profile = await profiles.compiled(record.profile, record.profileVersion)
    await completion.complete({
      intent,
      authority,
      readTbs: () => parseTbsCertificate(intent.tbsDer),
      judgement(tbsDer) {
        examineReadBack(tbsDer, { earlier, profile, authority, publicUrls })
        // Whoever lists a key as known to others wants no certificate of it from now on.
        weakKeys.assertUnlisted(parseCertificationRequest(record.csrDer))
      },
      predictThing: certificateDer =>
        predict(profile, parseTbsCertificate(intent.tbsDer), certificateDer).thing
    })
  }

  async function answerAgain(record: IssuedRecord): Promise<IssuanceResult> {
    if (endedOf(record)) throw await endedRefusal(record, { authorities, profiles })
    if (record.damaged) throw recordDamaged(record, record.damage === undefined ? [] : [record.damage])
    return { record, replayed: true }
  }

  return { replay, findSettled }
}
