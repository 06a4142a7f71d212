import { checkCertificates } from './check-certificate.ts'
import type { CheckContext } from './check-context.ts'
import { checkExpressions } from './check-expressions.ts'
import { checkParameters } from './check-parameters.ts'
import { checkPolicies } from './check-policy.ts'
import { checkSubjectRules } from './check-subject-rules.ts'
import { checkThings } from './check-thing.ts'
import type { Finding } from './finding.ts'
import { parseTemplate } from './parse-template.ts'
import { bodyTextOf } from './registration-config.ts'
import { noSourceMap } from './source-map.ts'
import type { ProvisioningTemplate } from './template.ts'
import type { TemplateOptions } from './template-options.ts'
import type { TemplateReport } from './template-report.ts'
import { createTemplateReport } from './template-report.ts'
import type { TemplateSource } from './template-source.ts'

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
  if (source.value === undefined) return { template: emptyTemplate, findings: source.findings }
  const template = parseTemplate(source.value, report)
  const context: CheckContext = { template, options, report }
  checkLength(source, report)
  checkParameters(context)
  checkExpressions(context)
  checkThings(context)
  checkCertificates(context)
  checkPolicies(context)
  checkSubjectRules(context)
  return { template, findings: [...source.findings, ...report.findings].sort(byPosition) }
}

const emptyTemplate: ProvisioningTemplate = {
  parameters: new Map(),
  things: [],
  certificates: [],
  policies: [],
  mappings: undefined,
  hasDeviceConfiguration: false,
  isComplete: false
}

/** A body that came as a string is measured as it is; otherwise as `exportRegistrationConfig` would write it. */
function checkLength(source: TemplateSource, report: TemplateReport): void {
  const length = bodyTextOf(source).length
  if (length <= maximumBodyLength) return
  const message = `The template body has ${length} characters.`
  report.add('body-too-long', '', message, `at most ${maximumBodyLength} characters`, String(length))
}

function byPosition(one: Finding, other: Finding): number {
  if (one.position === undefined || other.position === undefined) return 0
  return one.position.line - other.position.line || one.position.column - other.position.column
}
