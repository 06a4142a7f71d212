import type { StoredAuthority } from '../../../authorities/authority-store.ts'
import type { Violation } from '../../../errors/mintline-error.ts'
import { maximumBodyLength } from '../../../jitp/checks/check.ts'
import { parseCertificate } from '../../../pki/certificate/certificate.ts'
import { isEqual } from '../../../pki/der/octets.ts'
import type { TargetRegistration } from '../../iot/ca-registration.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { partitionOf } from '../../iot/place.ts'
import type { DesiredRegistration } from '../desired-registration.ts'

/** Another registration, with its authority. */
export interface Neighbour {
  readonly place: AwsPlace
  readonly desired: DesiredRegistration
  readonly authority: StoredAuthority
}

export interface LintInput {
  readonly place: AwsPlace
  readonly desired: DesiredRegistration
  readonly target: TargetRegistration
  readonly authority: StoredAuthority
  /** The authority line that the profile names. */
  readonly profileLine: string | undefined
  /** Whether AWS IoT is known to hold the CA. */
  readonly isRegistered: boolean
  /** Every other registration. */
  readonly neighbours: readonly Neighbour[]
  readonly now: Date
}

/** Quota of AWS IoT for CAs of one subject in an account and region; it cannot be raised. */
const maximumOfOneSubject = 10

/** Every rule of AWS IoT that can be seen to be broken before it is asked. Pure. */
export function registrationViolations(input: LintInput): readonly Violation[] {
  return [
    ...authorityViolations(input),
    ...certificateViolations(input),
    ...provisioningViolations(input),
    ...neighbourViolations(input)
  ]
}

function authorityViolations({ authority, desired, isRegistered, now }: LintInput): readonly Violation[] {
  const { name, state, purpose, certificateDer } = authority
  const isMeantToWork = desired.setAsActive || desired.allowAutoRegistration
  const { notBefore, notAfter } = parseCertificate(certificateDer, 'key_unusable')
  const found: Violation[] = []
  if (purpose !== 'devices') {
    found.push({
      pointer: '/path/name',
      expected: 'an authority that signs for devices',
      found: `${name}, for ${purpose}`,
      message: 'AWS IoT must not take what it signs for a device. Name the line that the profile names.'
    })
  }
  if (state === 'compromised' && (isMeantToWork || !isRegistered)) {
    found.push({
      pointer: '/path/name',
      expected: 'an authority that is trusted',
      found: `${name}, compromised`,
      message: 'It can only be deactivated.'
    })
  }
  if (notAfter <= now && (isMeantToWork || !isRegistered)) {
    found.push({
      pointer: '/path/name',
      expected: 'an authority that is valid now',
      found: `it ended ${notAfter.toISOString()}`,
      message: expiredAdvice
    })
  }
  if (notBefore > now && !isRegistered) {
    found.push({
      pointer: '/path/name',
      expected: 'an authority that is valid now',
      found: `it begins ${notBefore.toISOString()}`,
      message: 'Wait.'
    })
  }
  if (state === 'retired' && desired.certificateMode === 'DEFAULT' && !isRegistered) {
    found.push({
      pointer: '/certificateMode',
      expected: 'SNI_ONLY',
      found: 'DEFAULT',
      message: 'DEFAULT needs a signature of the key, which is retired.'
    })
  }
  return found
}

const expiredAdvice = 'Register the generation that follows it.'

/** AWS IoT Developer Guide, "X.509 client certificates" and "Manage your CA certificates". */
function certificateViolations({ authority: { certificateDer } }: LintInput): readonly Violation[] {
  const { subjectPublicKeyInfo, outerSignatureAlgorithm, extensions } = parseCertificate(
    certificateDer,
    'key_unusable'
  )
  const { key } = subjectPublicKeyInfo
  const found: Violation[] = []
  const isKeyFit = key.type === 'ec' || (key.type === 'rsa' && key.modulusBits >= 2048)
  const refuse = (expected: string, what: string) =>
    found.push({
      pointer: '/path/name',
      expected,
      found: what,
      message: 'AWS IoT does not take this CA. Make a new generation.'
    })
  if (!isKeyFit) refuse('RSA of 2048 bits or more, or EC on P-256, P-384 or P-521', key.type)
  if (outerSignatureAlgorithm.algorithm === undefined)
    refuse('a signature with SHA-256, SHA-384 or SHA-512', outerSignatureAlgorithm.found)
  if (extensions.basicConstraints?.isCa !== true) refuse('basicConstraints CA:TRUE', 'no CA certificate')
  return found
}

function provisioningViolations(input: LintInput): readonly Violation[] {
  const { desired, target, authority, profileLine, place } = input
  if (desired.provisioning === null || target.provisioning === null) return []
  const { profile, roleArn } = desired.provisioning
  const found: Violation[] = []
  if (profileLine !== authority.line) {
    const line = `${profile}, for the line ${profileLine}`
    found.push({
      pointer: '/profile',
      expected: `a profile of the line ${authority.line}`,
      found: line,
      message: 'Choose another profile.'
    })
  }
  const { length } = target.provisioning.templateBody
  if (length > maximumBodyLength) {
    const expected = `a template body of at most ${maximumBodyLength} characters`
    found.push({
      pointer: '/profile',
      expected,
      found: `${length} characters`,
      message: 'Shorten the template in the profile.'
    })
  }
  const partition = partitionOf(place.region)
  if (roleArn.split(':')[1] !== partition) {
    found.push({
      pointer: '/roleArn',
      expected: `a role of the partition ${partition}`,
      found: roleArn,
      message: 'The region has its own IAM.'
    })
  }
  return found
}

function neighbourViolations(input: LintInput) {
  const { place, desired, authority, neighbours, isRegistered } = input
  const found: Violation[] = []
  const inRegion = neighbours.filter(other => other.place.region === place.region)
  const inAccount = inRegion.filter(other => other.place.accountAlias === place.accountAlias)
  const isDefaultElsewhere = inRegion.some(
    other => other.authority.id === authority.id && other.desired.certificateMode === 'DEFAULT'
  )
  if (desired.certificateMode === 'DEFAULT' && isDefaultElsewhere) {
    const what = 'DEFAULT, in another account of the region already'
    found.push({
      pointer: '/certificateMode',
      expected: 'SNI_ONLY',
      found: what,
      message: 'AWS takes a CA in DEFAULT mode once for a region.'
    })
  }
  const sameSubject = neighboursOfSameSubject(input)
  if (!isRegistered && sameSubject.length >= maximumOfOneSubject) {
    const expected = `fewer than ${maximumOfOneSubject} CAs of one subject`
    found.push({
      pointer: '/path/name',
      expected,
      found: String(sameSubject.length),
      message: 'Give the next generation a subject of its own.'
    })
  }
  const { templateName, profile } = desired.provisioning ?? { templateName: null, profile: '' }
  const holder = inAccount.find(
    other =>
      templateName !== null &&
      other.desired.provisioning?.templateName === templateName &&
      other.desired.provisioning.profile !== profile
  )
  if (holder !== undefined) {
    const what = `that of profile ${holder.desired.provisioning?.profile}`
    found.push({
      pointer: '/templateName',
      expected: 'a name that no other profile has',
      found: what,
      message: 'Choose another templateName.'
    })
  }
  return found
}

/** Registrations of the account and region whose CA has the same subject; rotation makes such. */
export function neighboursOfSameSubject({
  place,
  authority,
  neighbours
}: Pick<LintInput, 'place' | 'authority' | 'neighbours'>): readonly Neighbour[] {
  const subjectOf = ({ certificateDer }: StoredAuthority) =>
    parseCertificate(certificateDer, 'key_unusable').subjectName.der
  const subject = subjectOf(authority)
  return neighbours.filter(
    other =>
      other.place.region === place.region &&
      other.place.accountAlias === place.accountAlias &&
      isEqual(subjectOf(other.authority), subject)
  )
}
