import { eachAtOnce } from '../../../sources/each-at-once.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { CertificateControls } from '../../push/control/certificate-control.ts'
import type { FoundFinding } from '../finding.ts'
import { callsAtOnce } from '../walk/calls-at-once.ts'
import type { Walk } from '../walk/walk.ts'
import { neverIssued, readEvidence } from './evidence.ts'
import type { JudgingStore, Suspect } from './judging-store.ts'

interface Judging {
  readonly judging: JudgingStore
  readonly controls: CertificateControls
  readonly now: Date
  readonly randomBytes: RandomBytes
}

/** In one step. Where all of them are suspects, AWS is asked of each: most of a minute. */
const atOnce = 500
const callMs = 50_000

/**
 * Holds the next of what AWS listed against the record. AWS is asked anew of what may be a finding: it may have changed since.
 *
 * @throws MintlineError `aws_refused`, `aws_unavailable`; then the same step is taken again.
 */
export async function judgeNext({ judging, controls, ...sources }: Judging, walk: Walk): Promise<void> {
  const { suspects, position } = await judging.next(walk, atOnce)
  if (position === undefined) {
    await judging.keep(walk, { phase: 'things', position: null }, { ...sources, found: [] })
    return
  }
  const found = await eachAtOnce(suspects, callsAtOnce, suspect => judge({ judging, controls }, suspect))
  await judging.keep(
    walk,
    { phase: 'judging', position },
    { ...sources, found: found.filter(each => each !== undefined) }
  )
}

async function judge(
  { judging, controls }: Pick<Judging, 'judging' | 'controls'>,
  suspect: Suspect
): Promise<FoundFinding | undefined> {
  const { certificateId, intentId, isKnown, standing, push } = suspect
  if (intentId === null && isKnown) return neverIssued(suspect, {})
  const held = await controls.within(callMs).describe(certificateId)
  if (intentId === null) return neverIssued(suspect, await evidenceOf(judging, held?.certificatePem))
  // Somebody has told AWS since, as the pushes do.
  if (held === undefined || held.status === 'INACTIVE' || held.status === 'REVOKED') return undefined
  return {
    kind: 'revoked-but-active',
    keyHex: certificateId,
    intentId,
    details: { status: held.status, standing, ...(push !== null && { push }) }
  }
}

/** One that bears the serial number of a certificate that was issued here is a forgery of that. */
async function evidenceOf(judging: JudgingStore, certificatePem: string | undefined): Promise<object> {
  const evidence = certificatePem === undefined ? undefined : readEvidence(certificatePem)
  if (evidence === undefined) return {}
  const forms = [evidence.serialNumber, `00${evidence.serialNumber}`]
  const known = await judging.findSerials(forms)
  const sameSerialAs = forms.map(form => known.get(form)).find(id => id !== undefined)
  return { ...evidence, ...(sameSerialAs !== undefined && { sameSerialAs }) }
}
