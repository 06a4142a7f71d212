/**
 * CRLReason of RFC 5280, section 5.3.1: word → number. Seven is not used there. `certificateHold` and `removeFromCRL` come
 * by acts of their own.
 */
export const reasonCodes = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10
} as const

export type RevocationReason = keyof typeof reasonCodes

/** What a certificate is revoked for, for good. */
export const finalReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
  'aACompromise'
] as const satisfies readonly RevocationReason[]

export type FinalReason = (typeof finalReasons)[number]
