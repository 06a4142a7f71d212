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

/** Of which certificates of a generation a CRL is: 0 of 0 are all of them, 3 of 64 those of that shard. */
export interface CrlPart {
  readonly shards: number
  readonly shard: number
}

export const allParts: CrlPart = { shards: 0, shard: 0 }

/** The CRLs of an authority that follow one another, each in the place of the one before. */
export interface CrlScope extends CrlPart {
  readonly authorityId: string
}

export function scopeKey({ authorityId, shards, shard }: CrlScope): string {
  return `${authorityId}/${shards}/${shard}`
}

/** In words. */
export function describePart({ shards, shard }: CrlPart, name: string): string {
  return shards === 0 ? name : `${name}, shard ${shard} of ${shards}`
}
