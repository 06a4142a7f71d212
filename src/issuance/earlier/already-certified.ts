import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { reissueOf, type ReissueRules } from '../../profiles/reissue/reissue-rules.ts'
import { earlierIssuanceOf, type IssuanceRecord } from '../../records/record.ts'
import type { EndDependencies } from '../ends/ended.ts'

interface DeviceConflict {
  readonly code: 'device_already_certified'
  /** What the device has. */
  readonly earlier: IssuanceRecord
  /** Name of the profile that is asked for. */
  readonly profile: string
  /** The values in which it is the same device. */
  readonly violations: readonly Violation[] | undefined
}

interface KeyConflict {
  readonly code: 'key_already_certified'
  /** What the key was last certified for. */
  readonly earlier: IssuanceRecord
  /** What the device of the request has; undefined where it may have its next certificate, with another key. */
  readonly latest: IssuanceRecord | undefined
  readonly profile: string
  /** Whether the key is that of the device of the request, as its profile tells devices apart. */
  readonly isOwnKey: boolean
  /** Whether the subject says that it was certified for another device. */
  readonly otherDevice: boolean
}

/**
 * The refusal of a request whose key or device an earlier one holds. It says which way out there is under the newest
 * version of the profile by which the device has its certificate. `members.earlierIssuance` names the record.
 */
export async function alreadyCertified(
  conflict: DeviceConflict | KeyConflict,
  dependencies: Pick<EndDependencies, 'profiles'>
): Promise<MintlineError> {
  const { code, earlier } = conflict
  if (earlier.outcome === 'rejected') throw new TypeError('A refusal holds nothing')
  const earlierIssuance = earlierIssuanceOf(earlier)
  const isOfDevice = conflict.code === 'device_already_certified'
  const { profile } = isOfDevice ? earlier : (conflict.latest ?? earlier)
  const rules = await reissueOf(profile, dependencies)
  const told = isOfDevice ? tellDevice(conflict, rules) : tellKey(conflict, rules)
  const detail = `${told} The earlier issuance is ${earlierIssuance.id} of ${earlierIssuance.requestedAt}.`
  return new MintlineError(code, detail, {
    violations: isOfDevice ? (conflict.violations ?? []) : [],
    members: { earlierIssuance, ...(!isOfDevice && { otherDevice: conflict.otherDevice }) }
  })
}

function tellDevice({ earlier, profile, violations = [] }: DeviceConflict, rules: ReissueRules): string {
  const values = violations.map(({ pointer, found }) => `${pointer.replace(/^.*\//, '')} ${found}`)
  const clash = values.length === 0 ? '' : ` It is the same device by ${values.join(' and ')}.`
  const way = wayToNext(earlier, rules, { profile, next: 'this CSR' })
  return `This device was certified before, with another key. Use the certificate and key that it has: the CSR of that key gets the same certificate again. Or the serial number was used twice.${clash} ${way}`
}

function tellKey(
  { earlier, latest, profile, isOwnKey, otherDevice }: KeyConflict,
  rules: ReissueRules
): string {
  if (!isOwnKey && !otherDevice)
    return `This key was certified before, by the profile ${earlier.profile}: to the profile ${profile} that is another device, and a key stays that of one for ever. Check the profile at the station. Where it is right, make a new key on this device: a CSR of it is judged by itself.`
  if (!isOwnKey)
    return 'This key was certified before, for another device, and stays that one’s for ever. Make a new key on this device: a CSR of it is judged by itself.'
  const again =
    'This key was certified before, with another subject or profile: the CSR of then gets the same certificate again.'
  const isOfLatest = latest === undefined ? isReleased(earlier) : latest.id === earlier.id
  const hasLockedKey =
    isOfLatest && rules.sameKey === 'refuse'
      ? ` Where the device can make no other key, an administrator posts the profile ${earlier.profile} with sameKey "allow" (POST /v1/profiles): once the device is released, this CSR is certified.`
      : ''
  if (latest === undefined) return `${again} Send a CSR of a new key, which is certified.${hasLockedKey}`
  const next = isOfLatest && rules.sameKey === 'allow' ? 'this CSR' : 'a CSR of a new key'
  const way = wayToNext(latest, rules, { profile, next })
  return `${again} ${way}${rules.reissue === 'allow' ? '' : hasLockedKey}`
}

const isReleased = (record: IssuanceRecord) => record.outcome === 'issued' && record.release !== undefined

/** What lets the device of a certificate have the next one. @param asked for it, and what is certified then. */
function wayToNext(
  { id, outcome, profile }: IssuanceRecord,
  { reissue, atOnce }: ReissueRules,
  asked: { readonly profile: string; readonly next: string }
): string {
  if (outcome === 'unknown')
    return `It is open: its own CSR completes it. Or an administrator ends it with POST /v1/issuances/${id}/void and a reason; then send this CSR again.`
  if (reissue === 'allow' && profile === asked.profile)
    return `The profile ${profile} lets a device have ${atOnce} at once: while it has fewer, ${asked.next} is certified. Where it has them all, an operator scraps one that is not used any more: POST /v1/issuances/${id}/scrap with a reason; then send ${asked.next}.`
  const release = `an operator releases it with POST /v1/issuances/${id}/release and a reason. Then ${asked.next} is certified, and the certificate that the device has ends.`
  if (reissue === 'supersede') return `Where the device is back for rework, ${release}`
  const has =
    reissue === 'allow'
      ? `The profile ${profile} lets a device have ${atOnce} at once by requests for that profile alone.`
      : `The profile ${profile} gives a device one certificate.`
  return `${has} Where the device is back for rework, an administrator posts the profile ${profile} with reissue "supersede" (POST /v1/profiles), and ${release}`
}
