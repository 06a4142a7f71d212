import type { RevokedAtAws } from '../../profiles/revocation/revoked-at-aws.ts'

/** `DELETED`: it is not to be there, once it cannot come back. `ACTIVE`: a hold is to be undone. */
export type WantedStatus = 'REVOKED' | 'INACTIVE' | 'DELETED' | 'ACTIVE'

const statuses: Readonly<Partial<Record<string, WantedStatus>>> = {
  revoke: 'REVOKED',
  deactivate: 'INACTIVE',
  'deactivate-then-delete': 'DELETED'
} satisfies Record<RevokedAtAws, WantedStatus>

/**
 * What AWS IoT is to hold of a certificate.
 *
 * @param policy of the profile; one that is not known is the strictest.
 */
export function wantedOf(standing: 'good' | 'held' | 'removed' | 'revoked', policy: string): WantedStatus {
  if (standing === 'held') return 'INACTIVE'
  if (standing !== 'revoked') return 'ACTIVE'
  return statuses[policy] ?? 'REVOKED'
}

/** Whether the device is kept out as is wanted. What AWS has REVOKED is no less out than what is INACTIVE. */
export function isKeptOut(wanted: WantedStatus, observed: string): boolean {
  return observed === 'REVOKED' || (wanted !== 'REVOKED' && observed === 'INACTIVE')
}
