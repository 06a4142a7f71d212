import { quoted } from '../../findings/finding.ts'
import type { TemplateReport } from '../../findings/report.ts'
import type { Expression } from '../../template/expression.ts'
import type {
  CertificateResource,
  NamedText,
  Override,
  PolicyDocumentObject,
  PolicyResource,
  ThingResource
} from '../../template/template.ts'
import type { JsonObject, JsonValue } from '../json/source.ts'
import { pointerTo } from '../json/source.ts'
import { isJsonObject } from '../json/value.ts'
import { isIntrinsic, parseExpression, parseListExpression, parseNamedTexts } from './expression.ts'

const resourceMembers = ['Type', 'Properties', 'OverrideSettings']
const thingProperties = [
  'ThingName',
  'AttributePayload',
  'ThingTypeName',
  'ThingGroups',
  'BillingGroup',
  'PackageVersions'
]
const otherCertificateForms = ['CertificateSigningRequest', 'CertificatePem', 'CACertificatePem']
const certificateProperties = ['CertificateId', ...otherCertificateForms, 'Status', 'ThingPrincipalType']
const policyProperties = ['PolicyName', 'PolicyDocument']

/** A resource as the template has it. */
export interface ResourceSource {
  readonly logicalName: string
  readonly members: JsonObject
  readonly pointer: string
}

export function parseThing(resource: ResourceSource, report: TemplateReport): ThingResource {
  const properties = new Properties(resource, thingProperties, report)
  return {
    logicalName: resource.logicalName,
    pointer: resource.pointer,
    overrides: parseOverrides(resource, report),
    thingName: properties.text('ThingName'),
    attributes: parseAttributes(
      properties.value('AttributePayload'),
      properties.pointerOf('AttributePayload'),
      report
    ),
    thingTypeName: properties.text('ThingTypeName'),
    thingGroups:
      properties.value('ThingGroups') === undefined
        ? undefined
        : parseListExpression(properties.value('ThingGroups'), properties.pointerOf('ThingGroups'), report),
    billingGroup: properties.text('BillingGroup'),
    packageVersions: parsePackageVersions(
      properties.value('PackageVersions'),
      properties.pointerOf('PackageVersions'),
      report
    )
  }
}

export function parseCertificate(resource: ResourceSource, report: TemplateReport): CertificateResource {
  const properties = new Properties(resource, certificateProperties, report)
  return {
    logicalName: resource.logicalName,
    pointer: resource.pointer,
    overrides: parseOverrides(resource, report),
    certificateId: properties.text('CertificateId'),
    otherForms: otherCertificateForms
      .filter(name => properties.value(name) !== undefined)
      .map(name => properties.pointerOf(name)),
    status: properties.text('Status'),
    thingPrincipalType: properties.text('ThingPrincipalType')
  }
}

export function parsePolicy(resource: ResourceSource, report: TemplateReport): PolicyResource {
  const properties = new Properties(resource, policyProperties, report)
  return {
    logicalName: resource.logicalName,
    pointer: resource.pointer,
    overrides: parseOverrides(resource, report),
    policyName: properties.text('PolicyName'),
    policyDocument: parseDocument(
      properties.value('PolicyDocument'),
      properties.pointerOf('PolicyDocument'),
      report
    )
  }
}

/** The properties of one resource; unknown ones are reported at once. */
class Properties {
  readonly #values: JsonObject | undefined
  readonly #pointer: string
  readonly #report: TemplateReport

  constructor({ members, pointer }: ResourceSource, known: readonly string[], report: TemplateReport) {
    this.#pointer = pointerTo(pointer, 'Properties')
    this.#report = report
    this.#values = isJsonObject(members.Properties) ? members.Properties : undefined
    if (this.#values === undefined) report.wrongType(this.#pointer, 'an object', members.Properties)
    for (const name of Object.keys(members)) {
      if (!resourceMembers.includes(name))
        report.unknownMember(pointerTo(pointer, name), name, resourceMembers)
    }
    for (const name of Object.keys(this.#values ?? {})) {
      if (!known.includes(name)) report.unknownMember(this.pointerOf(name), name, known)
    }
  }

  value(name: string): JsonValue | undefined {
    return this.#values?.[name]
  }

  text(name: string): Expression | undefined {
    const value = this.value(name)
    return value === undefined ? undefined : parseExpression(value, this.pointerOf(name), this.#report)
  }

  pointerOf(name: string): string {
    return pointerTo(this.#pointer, name)
  }
}

function parseAttributes(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): readonly NamedText[] {
  if (value === undefined) return []
  if (!isJsonObject(value) || isIntrinsic(value)) {
    report.wrongType(pointer, 'an object of names and values', value)
    return []
  }
  if (isJsonObject(value.attributes) && !isIntrinsic(value.attributes)) {
    const message = 'AttributePayload takes names and values directly, without `attributes` around them.'
    report.addAtName('attributes-wrapped', {
      pointer: pointerTo(pointer, 'attributes'),
      message,
      expected: 'names and values',
      found: quoted('attributes')
    })
    return []
  }
  return parseNamedTexts(value, pointer, report)
}

/** AWS calls it a string for the names of package and version, and shows none: a text, or an object of texts. */
function parsePackageVersions(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): readonly Expression[] | undefined {
  if (value === undefined) return undefined
  if (isJsonObject(value) && !isIntrinsic(value))
    return parseNamedTexts(value, pointer, report).map(text => text.value)
  const text = parseExpression(value, pointer, report)
  return text === undefined ? [] : [text]
}

function parseDocument(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): Expression | PolicyDocumentObject | undefined {
  if (value === undefined) return undefined
  if (isJsonObject(value) && !isIntrinsic(value)) return { kind: 'object', value, pointer }
  return parseExpression(value, pointer, report)
}

function parseOverrides(
  { members, pointer }: ResourceSource,
  report: TemplateReport
): readonly Override[] | undefined {
  const value = members.OverrideSettings
  if (value === undefined) return undefined
  const inner = pointerTo(pointer, 'OverrideSettings')
  if (!isJsonObject(value)) {
    report.wrongType(inner, 'an object', value)
    return []
  }
  return Object.entries(value).flatMap(([key, setting]) => {
    if (typeof setting === 'string') return [{ key, value: setting, pointer: pointerTo(inner, key) }]
    report.wrongType(pointerTo(inner, key), 'a string', setting)
    return []
  })
}
