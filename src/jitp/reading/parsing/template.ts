import { quoted } from '../../findings/finding.ts'
import type { TemplateReport } from '../../findings/report.ts'
import type {
  CertificateResource,
  Mappings,
  NamedText,
  Parameter,
  PolicyResource,
  ProvisioningTemplate,
  ThingResource
} from '../../template/template.ts'
import type { JsonObject, JsonValue } from '../json/source.ts'
import { pointerTo } from '../json/source.ts'
import { isJsonObject } from '../json/value.ts'
import { isIntrinsic, parseNamedTexts } from './expression.ts'
import { parseCertificate, parsePolicy, parseThing, type ResourceSource } from './resource.ts'

const templateMembers = ['Parameters', 'Resources', 'Mappings', 'DeviceConfiguration']
const parameterMembers = ['Type', 'Default']
const resourceTypes = ['AWS::IoT::Thing', 'AWS::IoT::Certificate', 'AWS::IoT::Policy']

/** Reads the whole grammar of provisioning templates. Unknown members are reported, never passed over. */
export function parseTemplate(value: JsonObject, report: TemplateReport): ProvisioningTemplate {
  const before = report.findings.length
  for (const name of Object.keys(value)) {
    if (!templateMembers.includes(name)) report.unknownMember(pointerTo('', name), name, templateMembers)
  }
  const parameters = parseParameters(value.Parameters, report)
  const resources = parseResources(value.Resources, report)
  const mappings = value.Mappings === undefined ? undefined : parseMappings(value.Mappings, report)
  const deviceConfiguration = parseDeviceConfiguration(value.DeviceConfiguration, report)
  return {
    parameters,
    ...resources,
    mappings,
    deviceConfiguration,
    isComplete: report.findings.length === before
  }
}

function parseParameters(
  value: JsonValue | undefined,
  report: TemplateReport
): ReadonlyMap<string, Parameter> {
  const parameters = new Map<string, Parameter>()
  if (value === undefined) return parameters
  if (!isJsonObject(value)) {
    report.wrongType('/Parameters', 'an object', value)
    return parameters
  }
  for (const [name, definition] of Object.entries(value)) {
    const pointer = pointerTo('/Parameters', name)
    parameters.set(name, { name, defaultValue: parseDefinition(definition, pointer, report), pointer })
  }
  return parameters
}

function parseDefinition(value: JsonValue, pointer: string, report: TemplateReport): string | undefined {
  if (!isJsonObject(value)) {
    report.wrongType(pointer, '{"Type": "String"}', value)
    return undefined
  }
  for (const name of Object.keys(value)) {
    if (!parameterMembers.includes(name))
      report.unknownMember(pointerTo(pointer, name), name, parameterMembers)
  }
  if (value.Type !== 'String') {
    const found = typeof value.Type === 'string' ? quoted(value.Type) : 'no type'
    const message = `The type of a parameter is String; found ${found}.`
    report.add('parameter-type-unknown', {
      pointer: pointerTo(pointer, 'Type'),
      message,
      expected: 'String',
      found
    })
  }
  if (value.Default === undefined || typeof value.Default === 'string') return value.Default
  report.wrongType(pointerTo(pointer, 'Default'), 'a string', value.Default)
  return undefined
}

function parseResources(
  value: JsonValue | undefined,
  report: TemplateReport
): Pick<ProvisioningTemplate, 'things' | 'certificates' | 'policies'> {
  const things: ThingResource[] = []
  const certificates: CertificateResource[] = []
  const policies: PolicyResource[] = []
  if (value === undefined || !isJsonObject(value)) {
    if (value === undefined)
      report.add('resources-missing', {
        pointer: '',
        message: 'The template has no Resources.',
        expected: 'Resources',
        found: 'nothing'
      })
    else report.wrongType('/Resources', 'an object', value)
    return { things, certificates, policies }
  }
  for (const [logicalName, members] of Object.entries(value)) {
    const pointer = pointerTo('/Resources', logicalName)
    if (!isJsonObject(members)) {
      report.wrongType(pointer, 'a resource', members)
      continue
    }
    const resource: ResourceSource = { logicalName, members, pointer }
    if (members.Type === 'AWS::IoT::Thing') things.push(parseThing(resource, report))
    else if (members.Type === 'AWS::IoT::Certificate') certificates.push(parseCertificate(resource, report))
    else if (members.Type === 'AWS::IoT::Policy') policies.push(parsePolicy(resource, report))
    else reportResourceType(members.Type, pointer, report)
  }
  return { things, certificates, policies }
}

function reportResourceType(type: JsonValue | undefined, pointer: string, report: TemplateReport): void {
  const found = typeof type === 'string' ? quoted(type) : 'no type'
  const message = `A resource is a thing, a certificate or a policy; found ${found}.`
  report.add('resource-type-unknown', {
    pointer: pointerTo(pointer, 'Type'),
    message,
    expected: resourceTypes.join(', '),
    found
  })
}

/** Flat: AWS documents that nested objects are not supported. */
function parseDeviceConfiguration(
  value: JsonValue | undefined,
  report: TemplateReport
): readonly NamedText[] | undefined {
  if (value === undefined) return undefined
  const pointer = '/DeviceConfiguration'
  if (isJsonObject(value) && !isIntrinsic(value)) return parseNamedTexts(value, pointer, report)
  report.wrongType(pointer, 'an object of names and values', value)
  return []
}

function parseMappings(value: JsonValue, report: TemplateReport): Mappings {
  const parseText = (text: JsonValue, pointer: string): string | undefined => {
    if (typeof text === 'string') return text
    if (isIntrinsic(text)) {
      report.add('function-in-mappings', {
        pointer,
        message: 'A value in Mappings is written out.',
        expected: 'a string',
        found: 'a function'
      })
    } else report.wrongType(pointer, 'a string', text)
    return undefined
  }
  const parseMaps = levelParser(levelParser(levelParser(parseText, report), report), report)
  return parseMaps(value, '/Mappings')
}

/** Makes the parser of an object whose members `parseInner` can read; those that it cannot are left out. */
function levelParser<Inner>(
  parseInner: (inner: JsonValue, pointer: string) => Inner | undefined,
  report: TemplateReport
): (value: JsonValue, pointer: string) => ReadonlyMap<string, Inner> {
  return (value, pointer) => {
    const level = new Map<string, Inner>()
    if (!isJsonObject(value)) {
      report.wrongType(pointer, 'an object', value)
      return level
    }
    for (const [name, inner] of Object.entries(value)) {
      const parsed = parseInner(inner, pointerTo(pointer, name))
      if (parsed !== undefined) level.set(name, parsed)
    }
    return level
  }
}
