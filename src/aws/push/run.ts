import { type AuditEvent, buildAuditEvent, systemAct } from '../../audit/audit-event.ts'
import { isMintlineError } from '../../errors/mintline-error.ts'
import { certificateIdHex } from '../../pki/certificate/certificate.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { AwsPlace } from '../iot/place.ts'
import type { StoredRegistration } from '../registrations/registration-store.ts'
import { carryOut } from './carrying-out.ts'
import { createClaims } from './claims.ts'
import type { CertificateControl } from './control/certificate-control.ts'
import type { PushDependencies } from './dependencies.ts'
import type { CaFound } from './progress-store.ts'
import type { ClaimedPush, PushError, Settlement } from './push.ts'

/** Then others have their turn: another account's, or what else this process is to do. */
const turnMs = 60_000
const walkedAtOnce = 500
/** Calls under way at once: enough for ten a second where each takes a second and a half. */
const concurrency = 16
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
  const end = stopwatch() + turnMs
  const isOver = () => signal.aborted || stopwatch() >= end
  const registrations = await registered.list(place)
  const ids = registrations.map(({ id }) => id)
  await progress.begin(ids)
  for (const id of await progress.listWalks(ids))
    while (!isOver() && !(await progress.walk(id, walkedAtOnce)));
  if (!(await progress.hasDue(ids))) return
  await dependencies.assertClock()
  try {
    const control = await dependencies.accesses.open(place)
    const cas = await lookAtCas(dependencies, control, registrations)
    await drain(dependencies, { control, registrations, cas, isOver })
  } catch (error) {
    if (signal.aborted || isMintlineError(error, 'job_interrupted')) throw error
    await progress.putFailure(ids, describe(error))
    throw error
  }
  await progress.putFailure(ids, null)
  if (!signal.aborted && (await progress.hasDue(ids)))
    await jobs.send('aws-push.run', place, { key: keyOf(place) })
}

/** Of the job of a place. */
export function keyOf({ accountAlias, region }: AwsPlace): string {
  return `${region} ${accountAlias}`.trim()
}

function describe(error: unknown): PushError {
  if (isMintlineError(error)) return { code: error.code, detail: error.detail }
  return { code: 'internal_error', detail: 'It failed for an unexpected reason; the log of the job has it.' }
}

/** Whether devices can come back by themselves, and whether the service is let in at all. */
async function lookAtCas(
  { progress, authorities }: PushDependencies,
  control: CertificateControl,
  registrations: readonly StoredRegistration[]
): Promise<Cas> {
  const cas = new Map<string, CaFound>()
  const generations = new Map((await authorities.generations()).map(each => [each.id, each]))
  for (const { id, authorityId } of registrations) {
    const certificateDer = generations.get(authorityId)?.certificateDer
    if (certificateDer == null) continue
    const found = await control.describeCa(certificateIdHex(certificateDer))
    await progress.putCa(id, found ?? null)
    if (found !== undefined) cas.set(id, found)
  }
  return cas
}

/** By registration; without those that are not there. */
type Cas = ReadonlyMap<string, CaFound>

interface Drain {
  readonly cas: Cas
  readonly control: CertificateControl
  readonly registrations: readonly StoredRegistration[]
  readonly isOver: () => boolean
}

/** @throws what keeps AWS from being told of any. */
async function drain(
  dependencies: PushDependencies,
  { control, registrations, cas, isOver }: Drain
): Promise<void> {
  const { store, clock, randomBytes, stopwatch } = dependencies
  const run = newId(clock(), randomBytes)
  const ids = registrations.map(({ id }) => id)
  const claims = createClaims({
    claim: (limit, leaseMs) => store.claim(ids, { run, limit, leaseMs }),
    release: pushes => store.release(pushes, run),
    stopwatch
  })
  let trouble: { readonly cause: unknown } | undefined
  let unanswered = 0
  const carryingOut = {
    control,
    noteBefore: (push: ClaimedPush, status: string) => store.noteBefore(push, status),
    noteThings: (push: ClaimedPush, things: readonly string[]) => store.noteThings(push, things),
    hasOther: (push: ClaimedPush) => store.hasOther(push),
    mayReturn: ({ registrationId }: ClaimedPush) => {
      const ca = cas.get(registrationId)
      return ca?.status === 'ACTIVE' && ca.autoRegistration === 'ENABLE'
    }
  }

  async function tell(push: ClaimedPush): Promise<void> {
    try {
      const settlement = await carryOut({ ...carryingOut, now: clock() }, push)
      const event = driftOf(dependencies, { push, settlement, registrations })
      await store.settle(push, { run, settlement, event })
      unanswered = 0
    } catch (cause) {
      unanswered += 1
      if (!isMintlineError(cause, 'aws_unavailable') || unanswered === mostUnanswered) trouble ??= { cause }
      // What was cut off is begun again at once.
      const pauseMs = isMintlineError(cause, 'job_interrupted')
        ? 0
        : Math.min(firstPauseMs * 2 ** Math.min(push.tries, 20), longestPauseMs)
      await store.postpone(push, { run, pauseMs, error: describe(cause) })
    }
  }

  async function work(): Promise<void> {
    while (trouble === undefined && !isOver()) {
      const push = await claims.next()
      if (push === undefined) return
      await tell(push)
    }
  }

  try {
    await Promise.all(Array.from({ length: concurrency }, work))
  } finally {
    await claims.giveBack()
  }
  if (trouble !== undefined) throw trouble.cause
}

interface Drifted {
  readonly push: ClaimedPush
  readonly settlement: Settlement
  readonly registrations: readonly StoredRegistration[]
}

/** Somebody let in what was taken out of use, or what AWS had never seen has come. */
function newsOf({ state }: ClaimedPush, { isDrift, isPushed, found }: Settlement): string | undefined {
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
