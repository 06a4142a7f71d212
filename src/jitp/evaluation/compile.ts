import { MintlineError } from '../../errors/mintline-error.ts'
import type { SubjectField } from '../../pki/name/subject-field.ts'
import type { TemplateExamination } from '../checks/check.ts'
import { isError } from '../findings/finding.ts'
import { predictPolicyName } from '../policy/policy-name.ts'
import {
  certificateIdParameter,
  serialNumberParameter,
  subjectFieldOf
} from '../template/certificate-parameter.ts'
import type { Expression } from '../template/expression.ts'
import { parametersOf } from '../template/expression.ts'
import { visibleParametersOf } from '../template/expression.ts'
import { expressionsOf } from '../template/expressions-of-template.ts'
import type { TemplateOptions } from '../template/options.ts'
import type { Mappings, PolicyResource, ProvisioningTemplate, ThingResource } from '../template/template.ts'
import type { PredictedPolicy } from './prediction.ts'

/** A template that passed its check, made ready to be evaluated for many certificates. */
export interface CompiledTemplate {
  readonly parameters: readonly CompiledParameter[]
  readonly thing: ThingResource | undefined
  readonly policies: readonly CompiledPolicy[]
  /** Texts that leave no trace in the prediction: where one cannot be made, nothing is provisioned. */
  readonly others: readonly Expression[]
  readonly mappings: Mappings | undefined
  readonly options: TemplateOptions
}

export interface CompiledParameter {
  readonly name: string
  readonly source: 'certificate-id' | 'certificate-serial-number' | SubjectField
  /** What stands in for an absent field; undefined where nothing may. */
  readonly fallback: string | undefined
  /** Whether a value goes anywhere. */
  readonly isUsed: boolean
}

export type CompiledPolicy =
  | { readonly kind: 'fixed'; readonly policy: PredictedPolicy }
  | { readonly kind: 'named'; readonly policyName: Expression }
  | { readonly kind: 'made'; readonly policyDocument: Expression }

/**
 * Makes an examined template ready, once per profile version. `options` are those of the examination.
 *
 * Throws `profile_invalid`, with the findings as violations, if the examination found an error: what is compiled can
 * always be evaluated.
 */
export function compileTemplate(
  { template, findings }: TemplateExamination,
  options: TemplateOptions = {}
): CompiledTemplate {
  const errors = findings.filter(isError)
  if (errors.length > 0) {
    const detail = 'The provisioning template would not provision devices just in time.'
    throw new MintlineError('profile_invalid', detail, {
      violations: errors.map(({ pointer, expected, found, message }) => ({
        pointer,
        expected,
        found,
        message
      }))
    })
  }
  return {
    parameters: compileParameters(template, options),
    thing: template.things[0],
    policies: template.policies.map(policy => compilePolicy(policy, options)),
    others: othersOf(template),
    mappings: template.mappings,
    options
  }
}

/** The subject fields that every certificate must carry, once and not empty. Id is never among them. */
export function requiredSubjectFields(compiled: CompiledTemplate): readonly SubjectField[] {
  return compiled.parameters.flatMap(({ source, fallback }) =>
    source === 'certificate-id' || source === 'certificate-serial-number' || fallback !== undefined
      ? []
      : [source]
  )
}

/** The subject fields that the thing's name is made of. */
export function thingNameFields({ parameters, thing }: CompiledTemplate): readonly SubjectField[] {
  if (thing?.thingName === undefined) return []
  const used = new Set(visibleParametersOf(thing.thingName))
  return parameters.flatMap(({ name, source }) =>
    !used.has(name) || source === 'certificate-id' || source === 'certificate-serial-number' ? [] : [source]
  )
}

function othersOf({ things, deviceConfiguration }: ProvisioningTemplate): readonly Expression[] {
  return [...(things[0]?.packageVersions ?? []), ...(deviceConfiguration ?? []).map(({ value }) => value)]
}

function compileParameters(
  template: ProvisioningTemplate,
  options: TemplateOptions
): readonly CompiledParameter[] {
  const used = new Set(expressionsOf(template).flatMap(expression => parametersOf(expression)))
  const declared = [...template.parameters.values()].map(({ name, defaultValue }) => ({
    name,
    source: sourceOf(name, options),
    fallback: options.defaultsFillAbsentFields === true ? defaultValue : undefined,
    isUsed: used.has(name)
  }))
  if (!used.has(certificateIdParameter) || template.parameters.has(certificateIdParameter)) return declared
  const id = {
    name: certificateIdParameter,
    source: 'certificate-id',
    fallback: undefined,
    isUsed: true
  } as const
  return [...declared, id]
}

function sourceOf(name: string, options: TemplateOptions): CompiledParameter['source'] {
  if (name === serialNumberParameter && options.serialNumberSource === 'certificate')
    return 'certificate-serial-number'
  const field = subjectFieldOf(name)
  if (field !== undefined) return field
  if (name === certificateIdParameter) return 'certificate-id'
  throw new MintlineError('internal_error', `The check let the parameter ${name} through.`)
}

function compilePolicy(
  { policyName, policyDocument }: PolicyResource,
  options: TemplateOptions
): CompiledPolicy {
  if (policyName !== undefined) {
    return policyName.kind === 'literal'
      ? { kind: 'fixed', policy: { policyName: policyName.value } }
      : { kind: 'named', policyName }
  }
  if (policyDocument === undefined)
    throw new MintlineError('internal_error', 'The check let an empty policy through.')
  if (policyDocument.kind === 'object') return fixedDocument(JSON.stringify(policyDocument.value), options)
  if (policyDocument.kind === 'literal') return fixedDocument(policyDocument.value, options)
  return { kind: 'made', policyDocument }
}

function fixedDocument(policyDocument: string, options: TemplateOptions): CompiledPolicy {
  return {
    kind: 'fixed',
    policy: { policyDocument, predictedName: predictPolicyName(policyDocument, options) }
  }
}
