import { awsBadCredentials } from '../../aws-client/call.ts'
import { isDenial } from '../../aws-client/failure.ts'
import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import { parseCertificate } from '../../pki/certificate/certificate.ts'
import { type CleaningUp, cleanUp, removeThings } from './clean-up.ts'
import type { CertificateControl } from './control/certificate-control.ts'
import type { ClaimedPush, Settlement } from './push.ts'
import { isKeptOut, wantedOf, type WantedStatus } from './wanted.ts'

export interface CarryingOut extends CleaningUp {
  readonly control: CertificateControl
  /** Durable before the hold: what it takes the certificate out of. */
  readonly noteBefore: (push: ClaimedPush, status: string) => Promise<void>
  /** Whether AWS would register the certificate anew, were it deleted; undefined: that is not known. */
  readonly mayReturn: (push: ClaimedPush) => boolean | undefined
  /** Whether its CA is not registered there: AWS said so in this run. */
  readonly isCaGone: (push: ClaimedPush) => boolean
  /** @throws MintlineError `clock_untrusted`. */
  readonly assertClock: () => Promise<void>
  readonly now: Date
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** AWS may have been about to provision the device when it was told. */
const secondLookMs = 15 * minuteMs
const longestRefusedMs = 6 * 60 * minuteMs
/** Clocks of AWS and of this machine may be apart. */
const expiredMs = dayMs
/** What nobody has let in again for so long is looked at less often. */
const lookPauses = [
  { untilMs: 14 * dayMs, pauseMs: dayMs },
  { untilMs: 90 * dayMs, pauseMs: 7 * dayMs },
  { untilMs: Infinity, pauseMs: 30 * dayMs }
]

/**
 * Tells AWS of one certificate, and looks first where it was told before, may have been, or is only to be changed from what
 * it is. A crash before the answer is kept leaves a claim; who takes it up looks first.
 *
 * @throws MintlineError what keeps AWS from being told of any certificate.
 */
export async function carryOut(dependencies: CarryingOut, push: ClaimedPush): Promise<Settlement> {
  const { now, assertClock, mayReturn, isCaGone } = dependencies
  const wanted = wantedOf(push.standing, push.policy)
  const notAfter = push.notAfter ?? notAfterOf(push)
  const outcome = outcomesOf({ ...push, notAfter }, { wanted, now, isCaGone: isCaGone(push) })
  const hasExpired = notAfter !== null && notAfter.getTime() + expiredMs < now.getTime()
  // What is expired is not looked at again, and may be deleted: not by a clock that went ahead since the run began.
  if (hasExpired) await assertClock()
  // What is to be deleted can be then at last.
  if (hasExpired && (wanted !== 'DELETED' || push.observed === null)) return outcome.over()
  try {
    if (wanted === 'ACTIVE') return await undoHold(dependencies, push, outcome)
    if (wanted === 'DELETED')
      return await takeAway(dependencies, push, {
        outcome,
        mayReturn: !hasExpired && mayReturn(push) !== false
      })
    return await keepOut(dependencies, push, { wanted, outcome })
  } catch (error) {
    if (!isOfOneCertificate(error)) throw error
    return outcome.refused(error)
  }
}

/** Whether AWS would take others. Without all permissions but one, most still can be told. */
function isOfOneCertificate(error: unknown): error is MintlineError {
  return (
    isMintlineError(error, 'aws_refused') &&
    !hasBadCredentials(error) &&
    !(isDenial(error) && error.members['operation'] === 'iot:UpdateCertificate')
  )
}

/** Whether AWS lets the service in for nothing at all. */
export function hasBadCredentials(error: MintlineError): boolean {
  return awsBadCredentials.includes(String(error.members['awsError']))
}

/** One that cannot be read must be kept out all the same: then it is not known when it expires. */
function notAfterOf({ certificateDer }: ClaimedPush): Date | null {
  try {
    return certificateDer === null ? null : parseCertificate(certificateDer).notAfter
  } catch {
    return null
  }
}

type Outcomes = ReturnType<typeof outcomesOf>

async function keepOut(
  { control, noteBefore }: CarryingOut,
  push: ClaimedPush,
  { wanted, outcome }: { readonly wanted: 'REVOKED' | 'INACTIVE'; readonly outcome: Outcomes }
): Promise<Settlement> {
  const { certificateId, standing, state } = push
  const isHold = standing === 'held'
  // Where nothing is known of it, or AWS was never told, one call does.
  if (state === 'waiting' && !push.isDoubtful && !isHold)
    return (await control.update(certificateId, wanted)) ? outcome.pushed(wanted) : outcome.unseen()
  const held = await control.describe(certificateId)
  if (held === undefined) return outcome.unseen()
  if (isKeptOut(wanted, held.status)) return outcome.found(held.status)
  // As long as AWS has not taken the hold, the status may still change; what a drift has made of it since is not to come back.
  if (isHold && held.status !== push.statusBefore && (state !== 'done' || push.statusBefore === null))
    await noteBefore(push, held.status)
  if (!(await control.update(certificateId, wanted))) return outcome.unseen()
  return {
    ...outcome.pushed(wanted),
    isDrift: state === 'done' && isIn(held.status),
    found: held.status
  }
}

/** What is neither out nor going to be is in, or about to be. */
function isIn(status: string): boolean {
  return status !== 'INACTIVE' && status !== 'REVOKED'
}

/**
 * Deactivates it, and takes away what it is attached to. As long as AWS would register it anew at its next connection, and let
 * its device in, the certificate itself stays there, INACTIVE.
 */
async function takeAway(
  dependencies: CarryingOut,
  push: ClaimedPush,
  { outcome, mayReturn }: { readonly outcome: Outcomes; readonly mayReturn: boolean }
): Promise<Settlement> {
  const { control } = dependencies
  const { certificateId, state } = push
  const held = await control.describe(certificateId)
  if (held === undefined) {
    await removeThings(dependencies, push, push.things)
    // Deleted once, also by somebody else.
    return push.observed === null && state !== 'done' ? outcome.unseen() : outcome.gone(false)
  }
  const { status: found, certificateArn } = held
  const isLetIn = !isKeptOut('DELETED', found)
  const out = isLetIn ? 'INACTIVE' : found
  if (isLetIn && !(await control.update(certificateId, 'INACTIVE'))) return outcome.unseen()
  const drift = { isDrift: state === 'done' && isIn(found), found }
  const wasAttached = await cleanUp(dependencies, push, certificateArn)
  if (mayReturn)
    return { ...(isLetIn || wasAttached ? outcome.pushed(out) : outcome.found(out)), things: [], ...drift }
  await control.remove(certificateId)
  return { ...outcome.gone(true), ...drift }
}

/** Only what a hold of ours has taken out of use is put back, to what it was. */
async function undoHold(
  { control, mayReturn }: CarryingOut,
  push: ClaimedPush,
  outcome: Outcomes
): Promise<Settlement> {
  const { certificateId, statusBefore } = push
  const held = await control.describe(certificateId)
  if (held?.status !== 'INACTIVE') return outcome.restored(held?.status ?? null, false)
  if (statusBefore === 'ACTIVE') {
    const isThere = await control.update(certificateId, 'ACTIVE')
    return outcome.restored(isThere ? 'ACTIVE' : null, isThere)
  }
  if (statusBefore !== 'PENDING_ACTIVATION') return outcome.restored(held.status, false)
  // AWS alone can make it so: it does when the device connects again, where the CA registers by itself.
  if (mayReturn(push) !== true) return outcome.refused(cannotReturn)
  await control.remove(certificateId)
  return outcome.restored(null, true)
}

const cannotReturn = {
  code: 'aws_refused',
  detail:
    'The hold is over. AWS had the certificate PENDING_ACTIVATION before, and it is not known that the CA would register it anew after a deletion. Have the CA register automatically in this region and grant iot:DescribeCACertificate, or set the certificate ACTIVE there yourself.'
} as const

type Outset = Pick<ClaimedPush, 'tries' | 'observed' | 'things' | 'notAfter' | 'askedAt' | 'pushedAt'>

function lookPauseOf({ askedAt, pushedAt }: Outset, now: Date): number {
  const restedMs = now.getTime() - Math.max(askedAt.getTime(), pushedAt?.getTime() ?? 0)
  return lookPauses.find(({ untilMs }) => restedMs < untilMs)?.pauseMs ?? dayMs
}

interface Standing {
  readonly wanted: WantedStatus
  readonly now: Date
  readonly isCaGone: boolean
}

function outcomesOf(push: Outset, { wanted, now, isCaGone }: Standing) {
  const { things, notAfter, observed, tries } = push
  const lookPauseMs = lookPauseOf(push, now)
  const nothing = { isPushed: false, isDrift: false, isRestored: false }
  const common = { ...nothing, wanted, things, notAfter, tries: 0 }
  const done = { ...common, state: 'done', lastError: null } as const
  return {
    pushed: (status: string): Settlement => ({
      ...done,
      observed: status,
      isPushed: true,
      pauseMs: secondLookMs
    }),
    found: (status: string): Settlement => ({ ...done, observed: status, pauseMs: lookPauseMs }),
    gone: (isPushed: boolean): Settlement => ({
      ...done,
      things: [],
      observed: null,
      isPushed,
      pauseMs: lookPauseMs
    }),
    restored: (status: string | null, isPushed: boolean): Settlement => ({
      ...done,
      observed: status,
      isRestored: true,
      isPushed,
      pauseMs: null
    }),
    unseen: (): Settlement =>
      // Without its CA, AWS registers it at no connection.
      isCaGone
        ? { ...common, state: 'absent', observed: null, pauseMs: null, lastError: null }
        : {
            ...common,
            state: 'unseen',
            observed: null,
            tries: tries + 1,
            pauseMs: Math.min(secondLookMs * 2 ** tries, dayMs),
            lastError: null
          },
    refused: ({ code, detail }: Pick<MintlineError, 'code' | 'detail'>): Settlement => ({
      ...common,
      state: 'refused',
      observed: undefined,
      things: undefined,
      tries: tries + 1,
      pauseMs: Math.min(minuteMs * 2 ** tries, longestRefusedMs),
      lastError: { code, detail }
    }),
    over: (): Settlement => ({ ...common, state: 'over', observed, pauseMs: null, lastError: null })
  }
}
