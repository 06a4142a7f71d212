import type { Authority } from '../../authorities/authority.ts'
import { maySignCrls } from '../../pki/certificate/authority/certificate.ts'
import { statusPaths } from '../../sources/site/status-paths.ts'

/** Of the last CRL of a compromised generation, which no other follows: the time that never comes (RFC 5280 §4.1.2.5). */
export const lastNextUpdate = new Date('9999-12-31T23:59:59Z')

/**
 * Whether CRLs are made of a generation: it issues, or has issued, and may sign them. Of one that is compromised there is the last one
 * alone.
 */
export function hasCrls(authority: Authority, now: Date): boolean {
  return isSpokenFor(authority.state) && maySignCrls(authority.certificate, now)
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

/** Which kind of them: the deltas of the complete ones have their numbers from the same sequence. */
export interface CrlSeries extends CrlScope {
  readonly isDelta?: boolean
}

export function scopeKey({ authorityId, shards, shard, isDelta = false }: CrlSeries): string {
  return `${authorityId}/${shards}/${shard}${isDelta ? '/delta' : ''}`
}

/** Where it is, below the public address. */
export function crlPath(generation: string, { shards, shard }: CrlPart): string {
  return shards === 0 ? statusPaths.crl(generation) : statusPaths.crlShard(generation, shards, shard)
}

/** Where its deltas are. */
export function crlDeltaPath(generation: string, { shards, shard }: CrlPart): string {
  return shards === 0
    ? statusPaths.crlDelta(generation)
    : statusPaths.crlShardDelta(generation, shards, shard)
}

/** In words. */
export function describePart({ shards, shard }: CrlPart, name: string): string {
  return shards === 0 ? name : `${name}, shard ${shard} of ${shards}`
}
