import { keepableText } from '../../../errors/foreign-text.ts'
import type { Drift } from '../../iot/examination.ts'

/** More differences than a person reads. */
const mostDifferences = 20
/** Of a value as it is shown. */
const longestValue = 200
/** Deeper than any template; what lies below is told apart as a whole. */
const maximumDepth = 64

/**
 * Where the body that AWS holds differs from the one that is asked for, by JSON Pointer (RFC 6901). A document that stands
 * in a string, as policies do, is looked into: its pointer follows a `#`. Pure.
 *
 * @returns one entry at least: octets that differ in nothing but their writing are told as that.
 */
export function findTemplateDifferences(expected: string, found: string): readonly Drift[] {
  const wanted = parse(expected)
  const held = parse(found)
  if (wanted === undefined || held === undefined) return [entry('', expected, found)]
  const differences = compareValues(wanted.value, held.value, { pointer: '', depth: 0 })
  if (differences.length === 0)
    return [
      {
        field: 'template',
        pointer: '',
        expected: 'the same octets',
        found: 'the same JSON, written otherwise'
      }
    ]
  const rest = differences.length - mostDifferences
  if (rest <= 0) return differences
  const more = {
    field: 'template',
    pointer: '',
    expected: 'no difference',
    found: `${rest} more differences`
  }
  return [...differences.slice(0, mostDifferences), more]
}

interface Place {
  readonly pointer: string
  readonly depth: number
}

function compareValues(wanted: unknown, held: unknown, { pointer, depth }: Place): readonly Drift[] {
  const below = depth < maximumDepth
  if (below && isContainer(wanted) && isContainer(held) && Array.isArray(wanted) === Array.isArray(held)) {
    const [wantedMembers, heldMembers] = [new Map(Object.entries(wanted)), new Map(Object.entries(held))]
    return [...new Set([...wantedMembers.keys(), ...heldMembers.keys()])].flatMap(name =>
      compareValues(wantedMembers.get(name), heldMembers.get(name), {
        pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        depth: depth + 1
      })
    )
  }
  if (Object.is(wanted, held)) return []
  const [wantedDocument, heldDocument] = [documentIn(wanted), documentIn(held)]
  if (below && wantedDocument !== undefined && heldDocument !== undefined) {
    const inside = compareValues(wantedDocument, heldDocument, { pointer: `${pointer}#`, depth: depth + 1 })
    if (inside.length > 0) return inside
  }
  return [entry(pointer, textOf(wanted), textOf(held))]
}

function entry(pointer: string, expected: string, found: string): Drift {
  return {
    field: 'template',
    pointer: keepableText(pointer),
    expected: shorten(expected),
    found: shorten(found)
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function documentIn(value: unknown): object | undefined {
  const document = typeof value === 'string' ? parse(value)?.value : undefined
  return isContainer(document) ? document : undefined
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function shorten(text: string): string {
  const shown = keepableText(text, longestValue)
  return text.length <= longestValue ? shown : `${shown}… (${text.length} characters)`
}
