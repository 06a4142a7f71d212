import type { Violation } from '../errors.ts'
import { examineTemplate } from '../jitp/check.ts'
import { compileTemplate, requiredSubjectFields, type CompiledTemplate } from '../jitp/compile.ts'
import { isError, type Finding } from '../jitp/finding.ts'
import type { TemplateOptions } from '../jitp/template-options.ts'
import { readTemplateSource } from '../jitp/template-source.ts'
import type { SubjectField } from '../pki/subject-field.ts'
import type { ProfileDocument } from './profile-document.ts'

export interface ProfileTemplate {
  /** Undefined when a violation says why. */
  readonly template: CompiledTemplate | undefined
  readonly templateFields: ReadonlySet<SubjectField>
  readonly warnings: readonly Violation[]
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
    return { template: undefined, templateFields: new Set(), warnings: [] }
  }
  const options = templateOptions(document)
  const source = readTemplateSource(given.value)
  const { findings } = examineTemplate(source, options)
  const asViolations = (kept: readonly Finding[]) => kept.map(finding => toViolation(finding, given.pointer))
  const errors = findings.filter(isError)
  const warnings = asViolations(findings.filter(finding => !isError(finding)))
  if (errors.length > 0) {
    violations.push(...asViolations(errors))
    return { template: undefined, templateFields: new Set(), warnings }
  }
  const template = compileTemplate(source, options)
  return { template, templateFields: new Set(requiredSubjectFields(template)), warnings }
}

function givenTemplate({ template, registrationConfig }: ProfileDocument) {
  if (template !== undefined && registrationConfig !== undefined) return undefined
  if (template !== undefined) return { value: template, pointer: '/template' }
  if (registrationConfig !== undefined) return { value: registrationConfig, pointer: '/registrationConfig' }
  return undefined
}

function templateOptions(document: ProfileDocument): TemplateOptions {
  const { serialNumberSource } = document
  return {
    ...(serialNumberSource !== undefined && { serialNumberSource }),
    subjectCouldBe(field) {
      const rule = document.subject[field]
      if (rule === undefined || rule.rule === 'forbidden') return undefined
      return rule.rule === 'fixed' ? { values: [rule.value] } : rule
    }
  }
}

function toViolation(
  { pointer, position, expected, found, message, id }: Finding,
  prefix: string
): Violation {
  const place =
    position === undefined ? '' : ` (line ${position.line}, column ${position.column} of the template)`
  return { pointer: prefix + pointer, expected, found, message: `${message}${place} [${id}]` }
}
