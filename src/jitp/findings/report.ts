import type { JsonValue } from '../reading/json/source.ts'
import { kindOf } from '../reading/json/value.ts'
import type { SourceMap } from '../reading/source-map.ts'
import { createFinding, type Finding, type FindingId, type FindingText, quoted } from './finding.ts'

/** Collects findings about a template, at most fifty of a kind, and adds their place in the text. */
export interface TemplateReport {
  readonly findings: readonly Finding[]
  /** Whether findings have a place in a text: a template that came as an object is in none. */
  readonly hasPlaces: boolean
  readonly add: (id: FindingId, text: FindingText) => void
  /** The same, pointing at the member's name instead of its value. */
  readonly addAtName: (id: FindingId, text: FindingText) => void
  /** The same, pointing into the string value: `index` counts UTF-16 code units of the value. */
  readonly addInString: (id: FindingId, text: FindingText & { readonly index: number }) => void
  /** Reports `value-type-wrong`. */
  readonly wrongType: (pointer: string, expected: string, value: JsonValue | undefined) => void
  /** Reports `member-unknown`. */
  readonly unknownMember: (pointer: string, name: string, known: readonly string[]) => void
}

/** Of one kind, as of faults of JSON: those that are over show once the others are corrected. */
const findingsOfAKind = 50

export function createTemplateReport(sourceMap: SourceMap): TemplateReport {
  const findings: Finding[] = []
  const counts = new Map<FindingId, number>()
  const keep = (id: FindingId, text: FindingText, positionOf: () => Finding['position']) => {
    const count = (counts.get(id) ?? 0) + 1
    counts.set(id, count)
    if (count <= findingsOfAKind) findings.push(createFinding(id, { ...text, position: positionOf() }))
  }
  const add: TemplateReport['add'] = (id, text) => keep(id, text, () => sourceMap.positionOf(text.pointer))
  const addAtName: TemplateReport['addAtName'] = (id, text) =>
    keep(id, text, () => sourceMap.positionOf(text.pointer, 'name'))
  return {
    findings,
    hasPlaces: sourceMap.positionOf('') !== undefined,
    add,
    addAtName,
    addInString: (id, { index, ...text }) =>
      keep(id, text, () => sourceMap.positionInString(text.pointer, index)),
    wrongType: (pointer, expected, value) => {
      const found = kindOf(value)
      add('value-type-wrong', { pointer, message: `Expected ${expected}, found ${found}.`, expected, found })
    },
    unknownMember: (pointer, name, known) => {
      const near = known.find(candidate => candidate.toLowerCase() === name.toLowerCase())
      const message = `There is no member ${quoted(name)}${near === undefined ? '' : `: write ${quoted(near)}`}.`
      addAtName('member-unknown', { pointer, message, expected: known.join(', '), found: quoted(name) })
    }
  }
}
