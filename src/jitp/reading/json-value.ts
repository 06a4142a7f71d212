import type { JsonObject, JsonValue } from './json-source.ts'
import { maximumDepth } from './json-source.ts'

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
 * Copies a parsed value into prototype-free objects. Undefined if it holds anything that JSON does not, or nests
 * deeper than 64 levels.
 */
export function toJsonValue(value: unknown, depth = 0): JsonValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object' || depth >= maximumDepth) return undefined
  if (Array.isArray(value)) {
    const items = value.map(item => toJsonValue(item, depth + 1))
    return items.some(item => item === undefined) ? undefined : (items as JsonValue[])
  }
  const members = Object.create(null) as Record<string, JsonValue>
  for (const [name, member] of Object.entries(value)) {
    const copy = toJsonValue(member, depth + 1)
    if (copy === undefined) return undefined
    members[name] = copy
  }
  return members
}
