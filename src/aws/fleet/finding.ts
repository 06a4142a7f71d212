/**
 * - `seen-never-issued`: AWS IoT holds a certificate of the CA that is not on record here: somebody else has used its key.
 * - `issued-before-import`: it is not on record, and AWS IoT had it before the CA came here.
 * - `key-used-elsewhere`: the CA's KMS key was used later than for anything that is on record here.
 * - `revoked-but-active`: it is revoked or on hold, and AWS IoT lets its device in, or is about to.
 * - `issued-never-seen`: it was issued a while ago, and was never seen at AWS IoT.
 * - `seen-and-gone`: AWS IoT had it at an earlier look, and it is nowhere there any more.
 * - `not-provisioned`: AWS IoT has registered it and not let its device in: just-in-time provisioning did not go through.
 * - `seen-before-lot-close`: its device connected while its lot was still open.
 * - `without-thing`, `other-thing`: its device is let in, and is attached to no thing, or to others than was predicted.
 * - `orphaned-thing`: nothing is attached any more to a thing that a certificate was attached to.
 */
export const findingKinds = [
  'seen-never-issued',
  'key-used-elsewhere',
  'issued-before-import',
  'revoked-but-active',
  'issued-never-seen',
  'seen-and-gone',
  'not-provisioned',
  'seen-before-lot-close',
  'without-thing',
  'other-thing',
  'orphaned-thing'
] as const
export type FindingKind = (typeof findingKinds)[number]

/** Of them, those of which the service tells as soon as they are found, and that stay until they are acknowledged. */
export const alarmKinds = [
  'seen-never-issued',
  'key-used-elsewhere'
] as const satisfies readonly FindingKind[]
export type AlarmKind = (typeof alarmKinds)[number]

export function isAlarm(kind: FindingKind): kind is AlarmKind {
  return (alarmKinds as readonly string[]).includes(kind)
}

/** What does not agree, as it is found. */
export interface FoundFinding {
  readonly kind: FindingKind
  /** Lower-case hex: the certificate's id, or what else tells findings of the kind apart in one place. */
  readonly keyHex: string
  readonly intentId: string | null
  /** What is known of it besides. Members of an earlier look stay. */
  readonly details: Readonly<Record<string, unknown>>
}
