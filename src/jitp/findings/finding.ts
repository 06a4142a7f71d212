import type { SubjectField } from '../../pki/name/subject-field.ts'
import { certificateFindings } from './certificate-findings.ts'
import { expressionFindings } from './expression-findings.ts'
import type { FindingEntry, Severity } from './finding-entry.ts'
import { formFindings } from './form-findings.ts'
import { policyFindings } from './policy-findings.ts'
import { readingFindings } from './reading-findings.ts'
import { thingFindings } from './thing-findings.ts'

export { quoted } from './quoted.ts'

/**
 * Every finding there is. An id is a contract like an error code: scripts branch on it, tests assert it,
 * `docs/template-findings.md` lists it.
 */
export const findingCatalogue = {
  ...readingFindings,
  ...formFindings,
  ...expressionFindings,
  ...thingFindings,
  ...certificateFindings,
  ...policyFindings
} satisfies Record<string, FindingEntry>

export type FindingId = keyof typeof findingCatalogue

/** Both count from 1; columns in UTF-16 code units. */
export interface SourcePosition {
  readonly line: number
  readonly column: number
}

export interface Finding {
  readonly id: FindingId
  readonly severity: Severity
  /** RFC 6901, into the template; into the registration config for what lies outside the template. */
  readonly pointer: string
  /** In the text as it was given; undefined when the template came as an object. */
  readonly position: SourcePosition | undefined
  readonly message: string
  readonly expected: string
  readonly found: string
  /** The subject field to blame, when a certificate was evaluated. */
  readonly subjectField: SubjectField | undefined
}

/** What each finding says for itself. */
export type FindingText = Pick<Finding, 'pointer' | 'message' | 'expected' | 'found'>

export interface FindingDetail extends FindingText {
  readonly position?: SourcePosition | undefined
  readonly subjectField?: SubjectField | undefined
}

export function createFinding(id: FindingId, detail: FindingDetail): Finding {
  return {
    id,
    severity: findingCatalogue[id].severity,
    pointer: detail.pointer,
    position: detail.position,
    message: detail.message,
    expected: detail.expected,
    found: detail.found,
    subjectField: detail.subjectField
  }
}

export function isError(finding: Finding): boolean {
  return finding.severity === 'error'
}
