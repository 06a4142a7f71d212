import type { Violation } from '../errors/mintline-error.ts'
import { thingNameFields } from '../jitp/evaluation/compile.ts'
import type { Prediction } from '../jitp/evaluation/prediction.ts'
import type { Subject, SubjectField } from '../pki/name/subject-field.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import { comparable, deviceDigest, thingDigest } from './request.ts'

/** What makes a request's device the same as another's. */
export interface DeviceIdentity {
  readonly sha256: Uint8Array
  /** Undefined where the profile names devices by subject fields alone. */
  readonly thingName: string | undefined
  /** The subject fields that name the device; none where the thing's name is the same for all. */
  readonly fields: readonly SubjectField[]
}

/** A thing has one certificate, whichever profile it comes from. Undefined: the key is the identity. */
export function identifyDevice(
  profile: CompiledProfile,
  { thing }: Prediction,
  subject: Subject
): DeviceIdentity | undefined {
  const { name, deviceIdentity } = profile.version.document
  const thingName = thing?.thingName ?? undefined
  if (thingName !== undefined) {
    const sha256 = thingDigest(profile.accountId, thingName)
    return { sha256, thingName, fields: thingNameFields(profile.template) }
  }
  if (deviceIdentity === undefined) return undefined
  return { sha256: deviceDigest(name, deviceIdentity, subject), thingName, fields: deviceIdentity }
}

/** The fields and values in which a request is the same device as an earlier one, one violation for each. */
export function clashViolations(
  { thingName, fields }: DeviceIdentity,
  subject: Subject,
  earlier: Subject
): readonly Violation[] {
  const message =
    thingName === undefined
      ? 'The value names a device that has a certificate. Look for a serial number used twice.'
      : `It makes the thing ${quoted(thingName)}, which has a certificate. Look for a serial number used twice.`
  if (fields.length === 0) {
    const expected = 'a thing name that differs from device to device'
    return [{ pointer: '/template', expected, found: quoted(thingName ?? ''), message }]
  }
  return fields.map(field => {
    const value = subject[field] ?? ''
    const other = earlier[field]
    // Names are compared whatever their case, so that the two need not be written alike.
    const written = other === undefined || other === value ? '' : `, on record as ${quoted(other)}`
    return {
      pointer: `/subject/${field}`,
      expected: 'a value that no other device has',
      found: quoted(value) + written,
      message
    }
  })
}

/**
 * Whether a subject is that of another device than the one of an earlier certificate: by the fields that name devices, as
 * far as the earlier one has them, for it may be of another profile; else by those that both have.
 */
export function isOtherDevice(
  subject: Subject,
  earlier: Subject,
  identityFields: readonly SubjectField[] = []
): boolean {
  const naming = identityFields.filter(field => earlier[field] !== undefined)
  const fields = naming.length > 0 ? naming : (Object.keys(subject) as SubjectField[])
  return fields.some(field => {
    const [one, other] = [subject[field], earlier[field]]
    return one !== undefined && other !== undefined && comparable(one) !== comparable(other)
  })
}

function quoted(value: string): string {
  return JSON.stringify(value)
}
