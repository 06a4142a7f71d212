import type { JsonValue } from '../reading/json-source.ts'
import { kindOf } from '../reading/json-value.ts'
import type { SourceMap } from '../reading/source-map.ts'
import type { Finding, FindingId, SourcePosition } from './finding.ts'
import { createFinding, quoted } from './finding.ts'

/** Collects findings about a template and adds their place in the text. */
export interface TemplateReport {
  readonly findings: readonly Finding[]
  readonly add: (id: FindingId, pointer: string, message: string, expected: string, found: string) => void
  /** The same, pointing at the member's name instead of its value. */
  readonly addAtName: (
    id: FindingId,
    pointer: string,
    message: string,
    expected: string,
    found: string
  ) => void
  /** The same, pointing into the string value: `index` counts UTF-16 code units of the value. */
  readonly addInString: (
    id: FindingId,
    pointer: string,
    index: number,
    message: string,
    expected: string,
    found: string
  ) => void
  /** Reports `value-type-wrong`. */
  readonly wrongType: (pointer: string, expected: string, value: JsonValue | undefined) => void
  /** Reports `member-unknown`. */
  readonly unknownMember: (pointer: string, name: string, known: readonly string[]) => void
}

export function createTemplateReport(sourceMap: SourceMap): TemplateReport {
  const findings: Finding[] = []
  const push = (
    id: FindingId,
    position: SourcePosition | undefined,
    pointer: string,
    message: string,
    expected: string,
    found: string
  ): void => {
    findings.push(createFinding(id, { pointer, position, message, expected, found }))
  }
  return {
    findings,
    add: (id, pointer, ...texts) => {
      push(id, sourceMap.positionOf(pointer), pointer, ...texts)
    },
    addAtName: (id, pointer, ...texts) => {
      push(id, sourceMap.positionOf(pointer, 'name'), pointer, ...texts)
    },
    addInString: (id, pointer, index, ...texts) => {
      push(id, sourceMap.positionInString(pointer, index), pointer, ...texts)
    },
    wrongType: (pointer, expected, value) => {
      const message = `Expected ${expected}, found ${kindOf(value)}.`
      push('value-type-wrong', sourceMap.positionOf(pointer), pointer, message, expected, kindOf(value))
    },
    unknownMember: (pointer, name, known) => {
      const near = known.find(candidate => candidate.toLowerCase() === name.toLowerCase())
      const message = `There is no member ${quoted(name)}${near === undefined ? '' : `: write ${quoted(near)}`}.`
      push(
        'member-unknown',
        sourceMap.positionOf(pointer, 'name'),
        pointer,
        message,
        known.join(', '),
        quoted(name)
      )
    }
  }
}
