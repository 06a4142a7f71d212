import type { Authority } from '../../authorities/authority.ts'

/**
 * Whether CRLs are made of a generation: it issues, or has issued; it may sign them (RFC 5280 §4.2.1.3); and its certificate,
 * which its own ones do not outlast, has not ended. Of one that is compromised the last one stays.
 */
export function hasCrls({ state, certificate }: Authority, now: Date): boolean {
  return (
    isSpokenFor(state) && certificate.keyUsage?.includes('cRLSign') !== false && now < certificate.notAfter
  )
}

/** Whether anybody is told of its certificates: it issues, or has issued, and its key is its own alone. */
export function isSpokenFor(state: Authority['state']): boolean {
  return state === 'active' || state === 'retiring' || state === 'retired'
}
