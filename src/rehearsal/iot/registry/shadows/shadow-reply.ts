import type { ShadowRecord } from '../../records.ts'
import { deltaOf, metadataOf, type ShadowState } from './shadow-document.ts'
import type { ShadowUpdate } from './shadow-request.ts'

/** What a `get` is answered with. */
export function describeShadow({ state, metadata, version, timestamp }: ShadowRecord): ShadowState {
  const delta = deltaOf(state)
  return { state: { ...state, ...(delta === undefined ? {} : { delta }) }, metadata, version, timestamp }
}

/** What an `update` is answered with: the part that was sent. */
export function describeUpdate({ state }: ShadowUpdate, record: ShadowRecord): ShadowState {
  const sections = Object.entries(state).map(([section, change]) => {
    const stamps = record.metadata[section as 'desired' | 'reported'] ?? {}
    return [section, change === null ? null : metadataOf(stamps, change)]
  })
  const { version, timestamp } = record
  return { state, metadata: Object.fromEntries(sections) as ShadowState, version, timestamp }
}

/** What is desired and not reported; undefined where nothing is, and nobody is told. */
export function describeDelta({
  state,
  metadata,
  version,
  timestamp
}: ShadowRecord): ShadowState | undefined {
  const delta = deltaOf(state)
  if (delta === undefined) return undefined
  return { version, timestamp, state: delta, metadata: metadataOf(metadata.desired ?? {}, delta) }
}

/** The shadow before and after an update, for who follows it. */
export function describeDocuments(before: ShadowRecord | undefined, after: ShadowRecord): ShadowState {
  const documentOf = ({ state, metadata, version }: ShadowRecord) => ({ state, metadata, version })
  return {
    ...(before === undefined ? {} : { previous: documentOf(before) }),
    current: documentOf(after),
    timestamp: after.timestamp
  }
}
