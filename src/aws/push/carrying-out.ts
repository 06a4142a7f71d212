import { awsBadCredentials } from '../../aws-client/call.ts'
import { isDenial } from '../../aws-client/failure.ts'
import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import { parseCertificate } from '../../pki/certificate/certificate.ts'
import type { CertificateControl } from './control/certificate-control.ts'
import type { ClaimedPush, Settlement } from './push.ts'
import { isKeptOut, wantedOf, type WantedStatus } from './wanted.ts'

export interface CarryingOut {
  readonly control: CertificateControl
  /** Durable before the hold: what it takes the certificate out of. */
  readonly noteBefore: (push: ClaimedPush, status: string) => Promise<void>
  readonly now: Date
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** AWS may have been about to provision the device when it was told. */
const secondLookMs = 15 * minuteMs
const longestRefusedMs = 6 * 60 * minuteMs
/** Clocks of AWS and of this machine may be apart. */
const expiredMs = dayMs

/**
 * Tells AWS of one certificate, and looks first where it was told before, may have been, or is only to be changed from what
 * it is. A crash before the answer is kept leaves a claim; who takes it up looks first.
 *
 * @throws MintlineError what keeps AWS from being told of any certificate.
 */
export async function carryOut(dependencies: CarryingOut, push: ClaimedPush): Promise<Settlement> {
  const wanted = wantedOf(push.standing, push.policy)
  const notAfter = push.notAfter ?? notAfterOf(push)
  const outcome = outcomesOf({ ...push, notAfter }, wanted)
  if (notAfter !== null && notAfter.getTime() + expiredMs < dependencies.now.getTime()) return outcome.over()
  try {
    if (wanted === 'ACTIVE') return await undoHold(dependencies, push, outcome)
    return await keepOut(dependencies, push, { wanted, outcome })
  } catch (error) {
    if (!isOfOneCertificate(error)) throw error
    return outcome.refused(error)
  }
}

/** Whether AWS would take others. */
function isOfOneCertificate(error: unknown): error is MintlineError {
  return (
    isMintlineError(error, 'aws_refused') &&
    !awsBadCredentials.includes(String(error.members['awsError'])) &&
    !isDenial(error)
  )
}

function notAfterOf({ certificateDer }: ClaimedPush): Date | null {
  return certificateDer === null ? null : parseCertificate(certificateDer).notAfter
}

type Outcomes = ReturnType<typeof outcomesOf>

async function keepOut(
  { control, noteBefore }: CarryingOut,
  push: ClaimedPush,
  { wanted, outcome }: { readonly wanted: Exclude<WantedStatus, 'ACTIVE'>; readonly outcome: Outcomes }
): Promise<Settlement> {
  const { certificateId, standing, state } = push
  const target = wanted === 'REVOKED' ? 'REVOKED' : 'INACTIVE'
  const isHold = standing === 'held'
  // Where nothing is known of it, or AWS was never told, one call does.
  if (state === 'waiting' && !push.isDoubtful && !isHold)
    return (await control.update(certificateId, target)) ? outcome.pushed(target) : outcome.unseen()
  const held = await control.describe(certificateId)
  if (held === undefined) return outcome.unseen()
  if (isKeptOut(wanted, held.status)) return outcome.found(held.status)
  if (isHold && push.statusBefore === null) await noteBefore(push, held.status)
  if (!(await control.update(certificateId, target))) return outcome.unseen()
  return {
    ...outcome.pushed(target),
    isDrift: state === 'done' && isIn(held.status),
    found: held.status
  }
}

/** What is neither out nor going to be is in, or about to be. */
function isIn(status: string): boolean {
  return status !== 'INACTIVE' && status !== 'REVOKED'
}

/** Only what a hold of ours has taken out of use is put back, to what it was. */
async function undoHold(
  { control }: CarryingOut,
  { certificateId, statusBefore }: ClaimedPush,
  outcome: Outcomes
): Promise<Settlement> {
  const held = await control.describe(certificateId)
  if (held?.status !== 'INACTIVE') return outcome.restored(held?.status ?? null, false)
  if (statusBefore === 'ACTIVE') {
    const isThere = await control.update(certificateId, 'ACTIVE')
    return outcome.restored(isThere ? 'ACTIVE' : null, isThere)
  }
  if (statusBefore !== 'PENDING_ACTIVATION') return outcome.restored(held.status, false)
  // AWS alone can make it so: it does when the device connects again.
  await control.remove(certificateId)
  return outcome.restored(null, true)
}

function outcomesOf(
  push: Pick<ClaimedPush, 'tries' | 'observed' | 'things' | 'notAfter'>,
  wanted: WantedStatus
) {
  const { things, notAfter, observed, tries } = push
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
    found: (status: string): Settlement => ({ ...done, observed: status, pauseMs: dayMs }),
    restored: (status: string | null, isPushed: boolean): Settlement => ({
      ...done,
      observed: status,
      isRestored: true,
      isPushed,
      pauseMs: null
    }),
    unseen: (): Settlement => ({
      ...common,
      state: 'unseen',
      observed: null,
      tries: tries + 1,
      pauseMs: Math.min(secondLookMs * 2 ** tries, dayMs),
      lastError: null
    }),
    refused: ({ code, detail }: MintlineError): Settlement => ({
      ...common,
      state: 'refused',
      observed,
      tries: tries + 1,
      pauseMs: Math.min(minuteMs * 2 ** tries, longestRefusedMs),
      lastError: { code, detail }
    }),
    over: (): Settlement => ({ ...common, state: 'over', observed, pauseMs: null, lastError: null })
  }
}
