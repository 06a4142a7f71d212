import { hash } from 'node:crypto'
import type { Outcome, RecordState } from '../record.ts'

/** What many records have in common, as far as they are searched by it. */
export interface Facet {
  readonly outcome: Outcome
  readonly state: RecordState
  readonly station: string
  readonly line: string | null
  readonly site: string | null
  /** Null where there is none of the name, as the next but one. */
  readonly lot: string | null
  readonly credential: string
  /** Its name. */
  readonly profile: string | null
  readonly profileVersion: number | null
  readonly authority: string | null
  /** Of a refusal. */
  readonly code: string | null
  /** Whether it comes in the place of another certificate of its device. */
  readonly rework: boolean
  /** Numbers of the values that masses of records have, ascending. */
  readonly valueIds: readonly number[]
}

/** Lower-case hex. Equal for equal facets alone. */
export function digestFacet(facet: Facet): string {
  const { outcome, state, station, line, site, lot, credential } = facet
  const { profile, profileVersion, authority, code, rework, valueIds } = facet
  const parts = [outcome, state, station, line, site, lot, credential]
  return hash(
    'sha256',
    JSON.stringify([...parts, profile, profileVersion, authority, code, rework, valueIds])
  )
}

/** What has become of a certificate. One that was superseded is `revoked` from its end on. */
export type Fate = Extract<RecordState, 'revoked' | 'held' | 'superseded'>

/** @param fate null where nothing has become of it. What has no certificate on record has none, whatever was revoked of it. */
export function stateOfIntent(
  isIssued: boolean,
  isVoid: boolean,
  fate: Fate | null
): Pick<Facet, 'outcome' | 'state'> {
  if (isVoid) return { outcome: 'void', state: 'void' }
  if (!isIssued) return { outcome: 'unknown', state: 'unknown' }
  return { outcome: 'issued', state: fate ?? 'issued' }
}
