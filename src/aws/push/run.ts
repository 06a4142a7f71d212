import type { AuditAct } from '../../audit/audit-act.ts'
import { type AuditEvent, buildAuditEvent, systemAct } from '../../audit/audit-event.ts'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { certificateIdHex } from '../../pki/certificate/certificate.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { AwsPlace } from '../iot/place.ts'
import type { StoredRegistration } from '../registrations/registration-store.ts'
import { carryOut, hasBadCredentials } from './carrying-out.ts'
import { type Claims, createClaims } from './claims.ts'
import type { CertificateControls } from './control/certificate-control.ts'
import type { PushDependencies } from './dependencies.ts'
import type { CaFound } from './progress-store.ts'
import type { ClaimedPush, PushError, Settlement } from './push.ts'

/** Then others have their turn: another account's, or what else this process is to do. */
const turnMs = 60_000
/** Of a turn: what is known to wait is not to wait for it. */
const walkMs = 10_000
const walkedAtOnce = 500
/** Calls under way at once: enough for ten a second where each takes a second and a half. */
const concurrency = 16
/** Of those, for what is only to be looked at again, so that a large order does not keep a drift from being seen. */
const concurrentLooks = 3
/** Begun within 30 s of its claim, it is over before the claim's 90 s are. */
const pushMs = 50_000
const caMs = 20_000
/** A connection that breaks now and then is no reason to end; without one answer in between, these are. */
const mostUnanswered = 5
/** Until one that AWS did not answer is tried again. */
const firstPauseMs = 5_000
const longestPauseMs = 10 * 60_000

/**
 * Tells one account and region of certificates, as far as a turn goes. Where more is due, its job is sent again.
 *
 * @param signal ends it after the calls under way.
 * @throws MintlineError what keeps AWS from being told, which is kept with the registrations; the job is tried again.
 */
export async function runPushes(
  dependencies: PushDependencies,
  place: AwsPlace,
  signal: AbortSignal
): Promise<void> {
  const { progress, registrations: registered, jobs, stopwatch = systemStopwatch } = dependencies
  const begunMs = stopwatch()
  const isOver = (limitMs = turnMs) => signal.aborted || stopwatch() >= begunMs + limitMs
  const registrations = await registered.list(place)
  const ids = registrations.map(({ id }) => id)
  await progress.begin(ids)
  const isWalked = await walkAll(progress, ids, () => isOver(walkMs))
  const again = () => jobs.send('aws-push.run', place, { key: keyOf(place) })
  if (!(await progress.hasDue(ids)) && !(await progress.isCaDue(ids))) {
    if (!isWalked && !signal.aborted) await again()
    return
  }
  await dependencies.assertClock()
  try {
    const known = registrations.find(({ state }) => state?.awsAccountId != null)
    const controls = await dependencies.accesses.open(place, known?.state?.awsAccountId ?? undefined)
    const cas = await lookAtCas(dependencies, controls, registrations)
    await drain(dependencies, { controls, registrations, cas, isOver: () => isOver() })
  } catch (error) {
    if (signal.aborted || isMintlineError(error, 'job_interrupted')) throw error
    await progress.putFailure(ids, describe(error))
    throw error
  }
  await progress.putFailure(ids, null)
  if (!signal.aborted && (!isWalked || (await progress.hasDue(ids)))) await again()
}

/** @returns whether all walks are over. */
async function walkAll(
  progress: PushDependencies['progress'],
  ids: readonly string[],
  isOver: () => boolean
): Promise<boolean> {
  for (const id of await progress.listWalks(ids))
    while (!(await progress.walk(id, walkedAtOnce))) if (isOver()) return false
  return true
}

/** Of the job of a place. */
export function keyOf({ accountAlias, region }: AwsPlace): string {
  return `${region} ${accountAlias}`.trim()
}

function describe(error: unknown): PushError {
  if (isMintlineError(error)) return { code: error.code, detail: error.detail }
  return { code: 'internal_error', detail: 'It failed for an unexpected reason; the log of the job has it.' }
}

/** Whether devices can come back by themselves. Where the service may not ask, or AWS refuses, that is not known. */
async function lookAtCas(
  { progress, authorities }: PushDependencies,
  controls: CertificateControls,
  registrations: readonly StoredRegistration[]
): Promise<Cas> {
  const cas = new Map<string, CaFound | null>()
  const generations = new Map((await authorities.generations()).map(each => [each.id, each]))
  for (const { id, authorityId } of registrations) {
    const certificateDer = generations.get(authorityId)?.certificateDer
    if (certificateDer == null) continue
    try {
      const found = await controls.within(caMs).describeCa(certificateIdHex(certificateDer))
      await progress.putCa(id, found ?? null)
      cas.set(id, found ?? null)
    } catch (error) {
      if (!isMintlineError(error, 'aws_refused') || hasBadCredentials(error)) throw error
    }
  }
  return cas
}

/** By registration: null where it is not there, nothing where that is not known. */
type Cas = ReadonlyMap<string, CaFound | null>

function mayReturnTo(cas: Cas, { registrationId }: ClaimedPush): boolean | undefined {
  const ca = cas.get(registrationId)
  return ca === undefined ? undefined : ca?.status === 'ACTIVE' && ca.autoRegistration === 'ENABLE'
}

interface Drain {
  readonly cas: Cas
  readonly controls: CertificateControls
  readonly registrations: readonly StoredRegistration[]
  readonly isOver: () => boolean
}

/** @throws what keeps AWS from being told of any. */
async function drain(dependencies: PushDependencies, { isOver, ...place }: Drain): Promise<void> {
  const { store, clock, randomBytes, stopwatch } = dependencies
  const run = newId(clock(), randomBytes)
  const ids = place.registrations.map(({ id }) => id)
  const openClaims = (isForLooks: boolean) =>
    createClaims({
      claim: (limit, leaseMs) => store.claim(ids, { run, limit, leaseMs, isForLooks }),
      release: pushes => store.release(pushes, run),
      stopwatch
    })
  const [claims, looks] = [openClaims(false), openClaims(true)]
  const tell = createTelling(dependencies, { ...place, run })
  let trouble: { readonly cause: unknown } | undefined

  async function work(from: Claims): Promise<void> {
    try {
      while (trouble === undefined && !isOver()) {
        const push = await from.next()
        if (push === undefined) return
        const found = await tell(push)
        trouble ??= found
      }
    } catch (cause) {
      // As where the database is away: the others end too.
      trouble ??= { cause }
    }
  }

  await Promise.all(
    Array.from({ length: concurrency }, (_, index) => work(index < concurrentLooks ? looks : claims))
  )
  const given = await Promise.allSettled([claims.giveBack(), looks.giveBack()])
  if (trouble !== undefined) throw trouble.cause
  for (const each of given) if (each.status === 'rejected') throw each.reason
}

type Telling = (push: ClaimedPush) => Promise<{ readonly cause: unknown } | undefined>

/** Tells AWS of one, and keeps what became of it. It resolves to what keeps AWS from being told of any. */
function createTelling(
  dependencies: PushDependencies,
  { controls, registrations, cas, run }: Omit<Drain, 'isOver'> & { readonly run: string }
): Telling {
  const { store, clock, assertClock } = dependencies
  let unanswered = 0
  const carryingOut = {
    noteBefore: (push: ClaimedPush, status: string) => store.noteBefore(push, status),
    noteThings: (push: ClaimedPush, things: readonly string[]) => store.noteThings(push, things),
    hasOther: (push: ClaimedPush) => store.hasOther(push),
    mayReturn: (push: ClaimedPush) => mayReturnTo(cas, push),
    isCaGone: ({ registrationId }: ClaimedPush) => cas.get(registrationId) === null,
    assertClock
  }
  return async push => {
    try {
      const settlement = await carryOut(
        { ...carryingOut, control: controls.within(pushMs), now: clock() },
        push
      )
      const event = driftOf(dependencies, { push, settlement, registrations })
      await store.settle(push, { run, settlement, event })
      unanswered = 0
      return undefined
    } catch (cause) {
      unanswered += 1
      // What is not foreseen may be of this one alone.
      const isOfAll = isMintlineError(cause) && cause.code !== 'aws_unavailable'
      // What was cut off is begun again at once.
      const pauseMs = isMintlineError(cause, 'job_interrupted')
        ? 0
        : Math.min(firstPauseMs * 2 ** Math.min(push.tries, 20), longestPauseMs)
      await store.postpone(push, { run, pauseMs, error: describe(cause) })
      return isOfAll || unanswered >= mostUnanswered ? { cause } : undefined
    }
  }
}

interface Drifted {
  readonly push: ClaimedPush
  readonly settlement: Settlement
  readonly registrations: readonly StoredRegistration[]
}

/** Somebody let in what was taken out of use, or what AWS had never seen has come. */
function newsOf({ state }: ClaimedPush, { isDrift, isPushed, found }: Settlement): AuditAct | undefined {
  if (isDrift) return 'aws_push.drifted'
  return state === 'unseen' && isPushed && found !== undefined ? 'aws_push.appeared' : undefined
}

/** What is kept of that. */
function driftOf(
  { clock, randomBytes }: PushDependencies,
  { push, settlement, registrations }: Drifted
): AuditEvent | undefined {
  const act = newsOf(push, settlement)
  if (act === undefined) return undefined
  const { region, accountAlias } = registrations.find(({ id }) => id === push.registrationId)!
  const { intentId, certificateId, observed: before } = push
  const { wanted, found } = settlement
  return buildAuditEvent(
    {
      ...systemAct,
      act,
      subject: `issuance/${intentId}`,
      ...(before !== null && { before: { status: before } }),
      after: { region, accountAlias, certificateId, status: found, wanted }
    },
    { time: clock(), randomBytes }
  )
}
