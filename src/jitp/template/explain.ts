import { quoted } from '../findings/finding.ts'
import { examinePolicyDocument } from '../policy/policy-document.ts'
import { certificateIdParameter, serialNumberParameter, subjectFieldOf } from './certificate-parameter.ts'
import type { Expression, ListExpression } from './expression.ts'
import { parametersOf } from './expression.ts'
import type { TemplateOptions } from './options.ts'
import type {
  CertificateResource,
  Override,
  PolicyResource,
  ProvisioningTemplate,
  ThingResource
} from './template.ts'

/**
 * What a template will create, in plain words, one statement a line. A template that does not pass its check is
 * explained as far as it could be read.
 */
export function explainTemplate(
  template: ProvisioningTemplate,
  options: TemplateOptions = {}
): readonly string[] {
  return [
    ...explainNeeds(template, options),
    ...template.things.flatMap(thing => explainThing(thing, options)),
    ...template.certificates.flatMap(certificate =>
      explainCertificate(certificate, template.things.length > 0)
    ),
    ...template.policies.flatMap(explainPolicy)
  ]
}

function explainNeeds(template: ProvisioningTemplate, options: TemplateOptions): readonly string[] {
  const fields = [...template.parameters.values()].flatMap(({ name, defaultValue }) => {
    const field = subjectFieldOf(name)
    const isCertificateSerial = name === serialNumberParameter && options.serialNumberSource === 'certificate'
    const hasDefault = options.defaultsFillAbsentFields === true && defaultValue !== undefined
    return field === undefined || isCertificateSerial || hasDefault ? [] : [field]
  })
  if (fields.length === 0) return ['A certificate needs no particular subject field.']
  return [`Every certificate must carry ${enumerate(fields)} in its subject.`]
}

function explainThing(thing: ThingResource, options: TemplateOptions): readonly string[] {
  const words = (expression: Expression | ListExpression): string => describe(expression, options)
  const lines = [
    thing.thingName === undefined
      ? 'AWS IoT creates a thing, and the template gives no name for it.'
      : `AWS IoT creates a thing. Its name is ${words(thing.thingName)}.`
  ]
  if (parametersOfName(thing).includes(certificateIdParameter)) {
    lines.push('A renewed certificate has another id, so that it makes another thing.')
  }
  for (const { name, value } of thing.attributes)
    lines.push(`Its attribute ${quoted(name)} is ${words(value)}.`)
  if (thing.thingTypeName) lines.push(`Its thing type is ${words(thing.thingTypeName)}, which must exist.`)
  if (thing.thingGroups)
    lines.push(`It joins the thing groups ${words(thing.thingGroups)}, which must exist.`)
  if (thing.billingGroup) lines.push(`Its billing group is ${words(thing.billingGroup)}, which must exist.`)
  for (const override of thing.overrides ?? []) lines.push(explainOverride(override, 'thing'))
  return lines
}

function parametersOfName({ thingName }: ThingResource): readonly string[] {
  return thingName === undefined ? [] : parametersOf(thingName)
}

function explainCertificate(
  { status, overrides }: CertificateResource,
  hasThing: boolean
): readonly string[] {
  const value = status?.kind === 'literal' ? status.value.toUpperCase() : 'ACTIVE'
  return [
    `The certificate becomes ${value}${hasThing ? ' and is attached to the thing' : ''}.`,
    ...(overrides ?? []).map(override => explainOverride(override, 'certificate'))
  ]
}

function explainOverride({ key, value }: Override, resource: string): string {
  switch (value) {
    case 'REPLACE':
      return `If the ${resource} exists already, its ${key} is replaced.`
    case 'MERGE':
      return `If the ${resource} exists already, its ${key} is merged with what is there.`
    case 'DO_NOTHING':
      return `If the ${resource} exists already, its ${key} stays as it is.`
    case 'FAIL':
      return `If the ${resource} exists already with another ${key}, provisioning fails.`
    default:
      return `If the ${resource} exists already, its ${key} gets the unknown treatment ${quoted(value)}.`
  }
}

function explainPolicy({ policyName, policyDocument }: PolicyResource): readonly string[] {
  const lines: string[] = []
  if (policyName)
    lines.push(`The policy ${describe(policyName, {})}, which must exist, is attached to the certificate.`)
  if (policyDocument === undefined) return lines
  const text =
    policyDocument.kind === 'object'
      ? JSON.stringify(policyDocument.value)
      : policyDocument.kind === 'literal'
        ? policyDocument.value
        : undefined
  if (text === undefined) return [...lines, 'A policy is made for each device from a document.']
  lines.push(
    'A policy is made from the document in the template, shared by all devices, and attached to the certificate.'
  )
  const { statements } = examinePolicyDocument(text)
  for (const { effect, actions, resources } of statements) {
    const verb = effect === 'Deny' ? 'denies' : 'allows'
    lines.push(`It ${verb} ${enumerate(textsOf(actions))} on ${enumerate(textsOf(resources))}.`)
  }
  return lines
}

function textsOf(texts: readonly { readonly text: string }[]): readonly string[] {
  return texts.map(({ text }) => text)
}

/** As long as a description gets: what functions make of functions is no more told than read. */
const longestDescription = 2_000

function describe(
  expression: Expression | ListExpression,
  options: TemplateOptions,
  described = new Map<Expression | ListExpression, string>()
): string {
  const known = described.get(expression)
  if (known !== undefined) return known
  const text = describePart(expression, options, part => describe(part, options, described))
  const description = text.length > longestDescription ? `${text.slice(0, longestDescription)} …` : text
  described.set(expression, description)
  return description
}

function describePart(
  expression: Expression | ListExpression,
  options: TemplateOptions,
  words: (part: Expression | ListExpression) => string
): string {
  switch (expression.kind) {
    case 'literal':
      return quoted(expression.value)
    case 'ref':
      return describeParameter(expression.name, options)
    case 'join':
      return `${words(expression.list)} joined by ${quoted(expression.delimiter)}`
    case 'select':
      return `item ${words(expression.index)} (from 0) of ${words(expression.list)}`
    case 'find-in-map':
      return `what the map ${quoted(expression.map)} holds for ${words(expression.top)} and ${words(expression.second)}`
    case 'sub':
      return `the text ${expression.pieces.map(words).join(' followed by ')}`
    case 'list':
      return enumerate(expression.items.map(words))
    case 'split':
      return `the parts of ${words(expression.source)} between ${quoted(expression.delimiter)}`
  }
}

function describeParameter(name: string, options: TemplateOptions): string {
  if (name === certificateIdParameter) return "the certificate's id (64 hex digits)"
  if (name === serialNumberParameter && options.serialNumberSource === 'certificate') {
    return "the certificate's serial number in decimal"
  }
  const field = subjectFieldOf(name)
  return field === undefined
    ? `the value of ${quoted(name)}, which nothing supplies`
    : `the certificate's ${field}`
}

function enumerate(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'nothing'
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
