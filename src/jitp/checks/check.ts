import type { Finding } from '../findings/finding.ts'
import type { TemplateReport } from '../findings/report.ts'
import { createTemplateReport } from '../findings/report.ts'
import { type JsonValue, pointerTo } from '../reading/json/source.ts'
import { isJsonList, isJsonObject } from '../reading/json/value.ts'
import { parseTemplate } from '../reading/parsing/template.ts'
import { bodyTextOf } from '../reading/registration-config.ts'
import { noSourceMap } from '../reading/source-map.ts'
import type { TemplateSource } from '../reading/template-source.ts'
import { kindOf } from '../template/kind.ts'
import { limits } from '../template/limits.ts'
import type { TemplateOptions } from '../template/options.ts'
import { placeOfRole } from '../template/registration-place.ts'
import type { ProvisioningTemplate } from '../template/template.ts'
import { checkCertificates } from './certificate.ts'
import type { CheckContext } from './context.ts'
import { checkExpressions } from './expressions.ts'
import { checkKind } from './kind.ts'
import { checkParameters } from './parameters.ts'
import { checkPolicies } from './policy.ts'
import { isTooLarge } from './size.ts'
import { checkSubjectRules } from './subject-rules.ts'
import { checkThings } from './thing.ts'

export const maximumBodyLength = 10_240

/** A template's parts, as far as they could be read, and everything there is to say about it. */
export interface TemplateExamination {
  readonly template: ProvisioningTemplate
  readonly findings: readonly Finding[]
}

/**
 * Everything about a template that can be known without an AWS account, with the findings of reading it, in the
 * order of the text. With an error among them, just-in-time provisioning would fail or AWS would refuse it.
 */
export function checkTemplate(source: TemplateSource, options: TemplateOptions = {}): readonly Finding[] {
  return examineTemplate(source, options).findings
}

/** The same, with the template's parts. */
export function examineTemplate(source: TemplateSource, options: TemplateOptions = {}): TemplateExamination {
  const report = createTemplateReport(source.value === undefined ? noSourceMap : source.sourceMap)
  if (source.value === undefined) {
    const stored = source.storedForFleet === undefined ? [] : [source.storedForFleet]
    return { template: emptyTemplate, findings: [...source.findings, ...stored].sort(byPosition) }
  }
  const length = bodyTextOf(source).length
  checkLength(length, report)
  if (source.bodyText?.startsWith('\ufeff') === true) reportByteOrderMark(report)
  if (length <= maximumBodyLength) checkTextLength(source.textLength ?? 0, report)
  if (length > limits.bodyLength) {
    return { template: emptyTemplate, findings: [...source.findings, ...report.findings] }
  }
  reportNoncharacters(source.value, '', report)
  const template = parseTemplate(source.value, report)
  const kind = kindOf(template)
  const { roleArn } = source
  const place = { ...(roleArn !== undefined && placeOfRole(roleArn)), ...options.registeredAt }
  const context: CheckContext = { template, kind, options, report, place }
  // What is too large to be evaluated is too large to say more of.
  if (!isTooLarge(context)) {
    checkKind(context)
    checkParameters(context)
    checkExpressions(context)
    checkThings(context)
    checkCertificates(context)
    checkPolicies(context)
    checkSubjectRules(context)
  }
  // A template that is written for fleets has its finding already.
  const stored = kind === 'fleet' || source.storedForFleet === undefined ? [] : [source.storedForFleet]
  return { template, findings: [...source.findings, ...stored, ...report.findings].sort(byPosition) }
}

const emptyTemplate: ProvisioningTemplate = {
  parameters: new Map(),
  things: [],
  certificates: [],
  policies: [],
  mappings: undefined,
  deviceConfiguration: undefined,
  isComplete: false
}

/** A body that came as a string is measured as it is; otherwise as `exportRegistrationConfig` would write it. */
function checkLength(length: number, report: TemplateReport): void {
  if (length <= maximumBodyLength) return
  const message = `The template body has ${length} characters.`
  report.add('body-too-long', {
    pointer: '',
    message,
    expected: `at most ${maximumBodyLength} characters`,
    found: String(length)
  })
}

/** A file is shortened where Mintline registers or exports it, and nowhere else. */
function checkTextLength(length: number, report: TemplateReport): void {
  if (length <= maximumBodyLength) return
  report.add('body-too-long-as-given', {
    pointer: '',
    message: `The template has ${length} characters as it is written here.`,
    expected: `at most ${maximumBodyLength} characters`,
    found: String(length)
  })
}

function reportByteOrderMark(report: TemplateReport): void {
  report.add('body-byte-order-mark', {
    pointer: '',
    message: 'The template body begins with a byte order mark.',
    expected: '`{`',
    found: 'U+FEFF'
  })
}

function byPosition(one: Finding, other: Finding): number {
  if (one.position === undefined || other.position === undefined) return 0
  return one.position.line - other.position.line || one.position.column - other.position.column
}

/** Unicode, section 23.7. */
const noncharacter = /\p{Noncharacter_Code_Point}/u

/**
 * Reports values with code points that stand for no character. No name has one, and before a certificate is signed one of
 * them stands for the digits of its id: what a template brings must not pass for those.
 */
function reportNoncharacters(value: JsonValue, pointer: string, report: TemplateReport): void {
  if (typeof value === 'string') {
    const match = noncharacter.exec(value)
    if (match === null) return
    const codePoint = (match[0].codePointAt(0) ?? 0).toString(16).toUpperCase()
    report.addInString('noncharacter', {
      pointer,
      index: match.index,
      message: `U+${codePoint} is a noncharacter of Unicode.`,
      expected: 'characters',
      found: `U+${codePoint}`
    })
  } else if (isJsonList(value)) {
    value.forEach((item, index) => {
      reportNoncharacters(item, pointerTo(pointer, index), report)
    })
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value))
      reportNoncharacters(member, pointerTo(pointer, name), report)
  }
}
