import type { JsonObject, JsonValue } from './source.ts'
import { maximumDepth } from './source.ts'

/** Whether the value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether the value is a JSON list. */
export function isJsonList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** Names the kind of a JSON value for a message. */
export function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (isJsonList(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/**
 * Copies a parsed value into prototype-free objects. Undefined if it holds anything that JSON does not, nests deeper
 * than 64 levels, or has more than `maximumValues` values.
 */
export function toJsonValue(value: unknown, maximumValues: number): JsonValue | undefined {
  let values = 0
  const copy = (original: unknown, depth: number): JsonValue | undefined => {
    if (++values > maximumValues) return undefined
    if (original === null || typeof original === 'string' || typeof original === 'boolean') return original
    if (typeof original === 'number') return Number.isFinite(original) ? original : undefined
    if (typeof original !== 'object' || depth >= maximumDepth) return undefined
    if (Array.isArray(original)) {
      const items: JsonValue[] = []
      for (const item of original) {
        const itemCopy = copy(item, depth + 1)
        if (itemCopy === undefined) return undefined
        items.push(itemCopy)
      }
      return items
    }
    const members = Object.create(null) as Record<string, JsonValue>
    for (const [name, member] of Object.entries(original)) {
      const memberCopy = copy(member, depth + 1)
      if (memberCopy === undefined) return undefined
      members[name] = memberCopy
    }
    return members
  }
  return copy(value, 0)
}
