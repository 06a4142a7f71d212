import { styleText } from 'node:util'
import type { Prediction } from '../../jitp/evaluation/prediction.ts'
import { type Finding, findingCatalogue } from '../../jitp/findings/finding.ts'
import type { Severity } from '../../jitp/findings/finding-entry.ts'
import type { TemplateForm } from '../../jitp/reading/template-source.ts'
import type { SubjectField } from '../../pki/name/subject-field.ts'

export interface CheckOutcome {
  readonly accepted: boolean
  readonly form: TemplateForm
  readonly findings: readonly Finding[]
  readonly requiredFields: readonly SubjectField[]
  readonly prediction: Prediction | undefined
}

/** Characters of a source line that are shown; longer lines are cut around the place. */
const shownWidth = 96

const colours = { error: 'red', warning: 'yellow', note: 'blue' } as const satisfies Record<Severity, string>

/** The findings for a person, each with its line and a caret, then the verdict. */
export function renderFindings(outcome: CheckOutcome, text: string, hasColour: boolean): string {
  const lines = text.split('\n')
  const paint = (style: 'red' | 'yellow' | 'blue' | 'bold' | 'green', words: string): string =>
    hasColour ? styleText(style, words, { validateStream: false }) : words
  const blocks = outcome.findings.map(finding => {
    const { atAws, remedy } = findingCatalogue[finding.id]
    const { position, severity } = finding
    const place = position === undefined ? finding.pointer : `${position.line}:${position.column}`
    return [
      `${paint('bold', place)} ${paint(colours[severity], severity)} ${finding.id}`,
      ...(position === undefined
        ? []
        : renderPlace(lines[position.line - 1] ?? '', position.line, position.column)),
      `  ${finding.message}`,
      `  At AWS: ${atAws}`,
      `  To do:  ${remedy}`,
      ''
    ].join('\n')
  })
  const verdict = outcome.accepted ? paint('green', 'accepted') : paint('red', 'refused')
  return [...blocks, `${verdict}: ${countFindings(outcome.findings)}`, renderRequired(outcome), ''].join('\n')
}

function renderRequired({ accepted, requiredFields }: CheckOutcome): string {
  if (!accepted) return ''
  return `Certificates must carry: ${requiredFields.join(', ') || 'no particular field'}.\n`
}

function renderPlace(line: string, lineNumber: number, column: number): readonly string[] {
  const start =
    line.length <= shownWidth
      ? 0
      : Math.max(0, Math.min(column - 1 - shownWidth / 2, line.length - shownWidth))
  const shown = line.slice(start, start + shownWidth).replaceAll(/\p{C}/gu, ' ')
  const before = line.slice(start, column - 1)
  const gutter = `${lineNumber} | `
  return [`  ${gutter}${shown}`, `  ${' '.repeat(gutter.length + [...before].length)}^`]
}

function countFindings(findings: readonly Finding[]): string {
  const counts = (['error', 'warning', 'note'] as const).map(severity => {
    const count = findings.filter(finding => finding.severity === severity).length
    return `${count} ${severity}${count === 1 ? '' : 's'}`
  })
  return counts.join(', ')
}

/** What AWS IoT will make of the device. */
export function renderPrediction({ thing, certificate, policies }: Prediction): string {
  const lines = thing === null ? ['No thing is created.'] : renderThing(thing)
  lines.push(`Certificate  ${certificate.status}`)
  for (const policy of policies) {
    if ('policyName' in policy) lines.push(`Policy       ${policy.policyName}`)
    else
      lines.push(`Policy       ${policy.predictedName ?? '(named by AWS)'} from the document in the template`)
  }
  return `${lines.join('\n')}\n`
}

function renderThing(thing: NonNullable<Prediction['thing']>): string[] {
  const unknown = '(known after signing)'
  const lines = [`Thing        ${thing.thingName ?? unknown}`]
  for (const [name, value] of Object.entries(thing.attributes)) lines.push(`  ${name} = ${value ?? unknown}`)
  if (thing.thingTypeName !== null) lines.push(`  thing type ${thing.thingTypeName}`)
  if (thing.thingGroups.length > 0) lines.push(`  thing groups ${thing.thingGroups.join(', ')}`)
  if (thing.billingGroup !== null) lines.push(`  billing group ${thing.billingGroup}`)
  return lines
}

/** The same for programs. */
export function renderJson({ accepted, form, findings, requiredFields, prediction }: CheckOutcome): string {
  const shown = findings.map(finding => ({ ...finding, ...findingCatalogue[finding.id] }))
  const result = {
    accepted,
    form,
    requiredSubjectFields: requiredFields,
    findings: shown,
    prediction: prediction ?? null
  }
  return `${JSON.stringify(result, null, 2)}\n`
}
