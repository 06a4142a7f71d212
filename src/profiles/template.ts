import { hash } from 'node:crypto'
import type { Violation } from '../errors/mintline-error.ts'
import { examineTemplate } from '../jitp/checks/check.ts'
import { type CompiledTemplate, compileTemplate, requiredSubjectFields } from '../jitp/evaluation/compile.ts'
import { type Finding, isError } from '../jitp/findings/finding.ts'
import { bodyTextOf } from '../jitp/reading/registration-config.ts'
import { readTemplateSource } from '../jitp/reading/template-source.ts'
import type { TemplateOptions } from '../jitp/template/options.ts'
import type { ProvisioningTemplate } from '../jitp/template/template.ts'
import type { SubjectField } from '../pki/name/subject-field.ts'
import type { ProfileDocument } from './document.ts'

export interface ProfileTemplate {
  /** Undefined when a violation says why. */
  readonly template: CompiledTemplate | undefined
  readonly templateFields: ReadonlySet<SubjectField>
  readonly templateSha256: string
  readonly accountId: string
  readonly warnings: readonly Violation[]
}

const noTemplate = {
  template: undefined,
  templateFields: new Set<never>(),
  templateSha256: '',
  accountId: ''
}

/** Reads and checks the profile's provisioning template; its errors are added to `violations`. */
export function compileProfileTemplate(document: ProfileDocument, violations: Violation[]): ProfileTemplate {
  const given = givenTemplate(document)
  if (given === undefined) {
    violations.push({
      pointer: '',
      expected: 'either template or registrationConfig',
      found: document.template === undefined ? 'neither' : 'both',
      message:
        'Give the provisioning template once: as an object, or as the registration config of the AWS CLI.'
    })
    return { ...noTemplate, warnings: [] }
  }
  const options = templateOptions(document)
  const source = readTemplateSource(given.value)
  const examination = examineTemplate(source, options)
  const { findings } = examination
  const asViolations = (kept: readonly Finding[]) => kept.map(finding => toViolation(finding, given.pointer))
  const errors = findings.filter(isError)
  const warnings = asViolations(findings.filter(finding => !isError(finding)))
  if (errors.length > 0) {
    violations.push(...asViolations(errors))
    return { ...noTemplate, warnings }
  }
  const template = compileTemplate(examination, options)
  return {
    template,
    templateFields: new Set(requiredSubjectFields(template)),
    templateSha256: hash('sha256', bodyTextOf(source)),
    accountId: document.registrationConfig?.roleArn.split(':')[4] ?? '',
    warnings
  }
}

/** The provisioning template's body as AWS gets it: the bytes that `templateSha256` is of. */
export function templateBodyOf(document: ProfileDocument): string {
  return bodyTextOf(readTemplateSource(givenTemplate(document)?.value))
}

/** The provisioning template, read into its parts. */
export function readProfileTemplate(document: ProfileDocument): ProvisioningTemplate {
  return examineTemplate(readTemplateSource(givenTemplate(document)?.value), templateOptions(document))
    .template
}

function givenTemplate({ template, registrationConfig }: ProfileDocument) {
  if (template !== undefined && registrationConfig !== undefined) return undefined
  if (template !== undefined) return { value: template, pointer: '/template' }
  if (registrationConfig !== undefined) return { value: registrationConfig, pointer: '/registrationConfig' }
  return undefined
}

function templateOptions(document: ProfileDocument): TemplateOptions {
  const { serialNumberSource, jitp } = document
  return {
    ...jitp,
    ...(serialNumberSource !== undefined && { serialNumberSource }),
    subjectCouldBe(field) {
      const rule = document.subject[field]
      if (rule === undefined || rule.rule === 'forbidden') return undefined
      return rule.rule === 'fixed' ? { values: [rule.value] } : rule
    }
  }
}

/** Inside a body that came as a string, a pointer ends at the string, and the message says where in it. */
function toViolation(finding: Finding, prefix: string): Violation {
  const { pointer, position, expected, found, message, id } = finding
  if (position === undefined)
    return { pointer: prefix + pointer, expected, found, message: `${message} [${id}]` }
  const place = `line ${position.line}, column ${position.column} of the body${pointer && `, ${pointer}`}`
  return {
    pointer: prefix === '/registrationConfig' ? `${prefix}/templateBody` : prefix,
    expected,
    found,
    message: `${message} (${place}) [${id}]`
  }
}
