/** The `desired` or the `reported` part of a shadow, or any object below. */
export type ShadowState = Readonly<Record<string, unknown>>

export type ShadowSections = Readonly<Partial<Record<Section, ShadowState>>>

export const sections = ['desired', 'reported'] as const
type Section = (typeof sections)[number]

/**
 * Members of the change take the place of those that are there, objects member by member, everything else whole; null
 * removes (Developer Guide, "Device Shadow service documents").
 */
export function mergeState(state: ShadowState, change: ShadowState): ShadowState {
  const merged = new Map(Object.entries(state))
  for (const [name, value] of Object.entries(change)) {
    const before = merged.get(name)
    if (value === null) merged.delete(name)
    else if (isObject(value)) merged.set(name, mergeState(isObject(before) ? before : {}, value))
    else merged.set(name, value)
  }
  return Object.fromEntries(merged)
}

/** What is desired and not reported like that; undefined where nothing is. */
export function deltaOf({ desired = {}, reported = {} }: ShadowSections): ShadowState | undefined {
  const entries = Object.entries(desired).flatMap(([name, wanted]): [string, unknown][] => {
    const found = memberOf(reported, name)
    if (!isObject(wanted) || !isObject(found)) return isSame(wanted, found) ? [] : [[name, wanted]]
    const below = deltaOf({ desired: wanted, reported: found })
    return below === undefined ? [] : [[name, below]]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/**
 * The timestamps of a state, each at the place of its value: those that are there, and a new one for what the change has.
 *
 * @param seconds since 1970.
 */
export function stampState(metadata: ShadowState, change: ShadowState, seconds: number): ShadowState {
  return mergeState(metadata, stampsOf(change, seconds))
}

function stampsOf(change: ShadowState, seconds: number): ShadowState {
  return Object.fromEntries(Object.entries(change).map(([name, value]) => [name, stampOf(value, seconds)]))
}

function stampOf(value: unknown, seconds: number): unknown {
  if (value === null) return null
  if (isObject(value)) return stampsOf(value, seconds)
  return Array.isArray(value) ? value.map(each => stampOf(each, seconds)) : { timestamp: seconds }
}

/** The part of the metadata that belongs to what the state has. */
export function metadataOf(metadata: ShadowState, state: ShadowState): ShadowState {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      const known = memberOf(metadata, name)
      return [name, isObject(value) && isObject(known) ? metadataOf(known, value) : known]
    })
  )
}

/** Levels of objects and lists below the state itself. Hostile depth ends the count, not the program. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(each => isDeeperThan(levels - 1, each))
}

export function isObject(value: unknown): value is ShadowState {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberOf(state: ShadowState, name: string): unknown {
  return Object.hasOwn(state, name) ? state[name] : undefined
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
