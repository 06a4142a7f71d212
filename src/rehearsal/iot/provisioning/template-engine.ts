import { IotRefusal } from '../iot-refusal.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { type Expression, isObject, type JsonObject } from './expression.ts'

/** A provisioning template that has the right shape; its expressions are not evaluated yet. */
export interface TemplateDocument {
  /** Name → default. */
  readonly parameters: ReadonlyMap<string, string | undefined>
  readonly mappings: JsonObject
  /** What devices would be sent; just-in-time provisioning has no answer that could hold it. */
  readonly deviceConfiguration: JsonObject
  readonly things: readonly TemplateResource[]
  readonly certificates: readonly TemplateResource[]
  readonly policies: readonly TemplateResource[]
}

export interface TemplateResource {
  readonly logicalName: string
  readonly properties: Readonly<Record<string, Expression>>
  readonly overrides: Readonly<Record<string, OverrideSetting>>
}

export type OverrideSetting = 'DO_NOTHING' | 'REPLACE' | 'FAIL' | 'MERGE'

interface ResourceGrammar {
  readonly properties: readonly string[]
  readonly overrides: Readonly<Record<string, readonly OverrideSetting[]>>
}

const plainOverrides = ['DO_NOTHING', 'REPLACE', 'FAIL'] as const
const mergeOverrides = [...plainOverrides, 'MERGE'] as const

const grammar = {
  'AWS::IoT::Thing': {
    properties: [
      'ThingName',
      'AttributePayload',
      'ThingTypeName',
      'ThingGroups',
      'BillingGroup',
      'PackageVersions'
    ],
    overrides: {
      AttributePayload: mergeOverrides,
      ThingTypeName: plainOverrides,
      ThingGroups: mergeOverrides
    }
  },
  'AWS::IoT::Certificate': {
    properties: [
      'CertificateId',
      'CertificatePem',
      'CACertificatePem',
      'CertificateSigningRequest',
      'Status',
      'ThingPrincipalType'
    ],
    overrides: { Status: plainOverrides }
  },
  'AWS::IoT::Policy': { properties: ['PolicyName', 'PolicyDocument'], overrides: {} }
} as const satisfies Readonly<Record<string, ResourceGrammar>>

type ResourceType = keyof typeof grammar

/** Characters, as the service model counts them. */
const maximumBodyLength = 10_240
/** What one certificate can have attached. */
const maximumPolicies = 10

/**
 * Reads the body of a provisioning template. Members that are not known are refused, and so is what belongs to fleet
 * provisioning, unless the settings evaluate it. Throws `InvalidRequestException`.
 */
export function parseTemplateBody(templateBody: string, settings: StandInSettings): TemplateDocument {
  if (templateBody.length > maximumBodyLength)
    refuse(`it is ${templateBody.length} characters long, and ${maximumBodyLength} are the most`)
  const body = parseJsonObject(templateBody)
  const known = [
    'Parameters',
    'Resources',
    ...(settings.intrinsicFunctions === 'evaluate' ? ['Mappings', 'DeviceConfiguration'] : [])
  ]
  for (const name of Object.keys(body))
    if (!known.includes(name)) refuse(`${name} is no member of a template for just-in-time provisioning`)
  const resources = Object.entries(objectMember(body, 'Resources')).map(([logicalName, resource]) =>
    parseResource(logicalName, resource)
  )
  const ofType = (type: ResourceType) => resources.filter(each => each.type === type)
  const [things, certificates] = [ofType('AWS::IoT::Thing'), ofType('AWS::IoT::Certificate')]
  if (things.length > 1) refuse('it has more than one AWS::IoT::Thing')
  if (certificates.length !== 1) refuse('it must have one AWS::IoT::Certificate')
  const policies = ofType('AWS::IoT::Policy')
  if (policies.length > maximumPolicies) refuse(`it has more than ${maximumPolicies} policies`)
  return {
    parameters: new Map(Object.entries(objectMember(body, 'Parameters')).map(parseParameter)),
    mappings: parseMappings(objectMember(body, 'Mappings')),
    deviceConfiguration: objectMember(body, 'DeviceConfiguration'),
    things,
    certificates,
    policies
  }
}

function parseJsonObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return assertFlatEnough(value)
  } catch (error) {
    if (error instanceof IotRefusal) throw error
    return refuse(`it is not JSON: ${(error as Error).message}`)
  }
  return refuse('it is no JSON object')
}

/** Far more than any template that AWS shows, and little enough to be walked level by level. */
const deepestLevel = 64

function assertFlatEnough(body: JsonObject): JsonObject {
  let level: readonly object[] = [body]
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > deepestLevel) refuse(`it nests deeper than ${deepestLevel} levels`)
    level = level.flatMap(each =>
      Object.values(each).filter((value): value is object => typeof value === 'object' && value !== null)
    )
  }
  return body
}

/** Two levels of names below the name of a map, and then text: parameters and functions have no place in it. */
function parseMappings(mappings: JsonObject): JsonObject {
  for (const [name, map] of Object.entries(mappings)) {
    const inner = isObject(map) ? Object.values(map) : [undefined]
    const isMap = inner.every(
      values => isObject(values) && Object.values(values).every(value => typeof value === 'string')
    )
    if (!isMap) refuse(`the map ${name} must have two levels of keys and strings`)
  }
  return mappings
}

function objectMember(body: JsonObject, name: string): JsonObject {
  const value = body[name] ?? {}
  return isObject(value) ? value : refuse(`${name} must be an object`)
}

function parseParameter([name, declaration]: [string, unknown]): [string, string | undefined] {
  if (!isObject(declaration) || declaration.Type !== 'String')
    return refuse(`the parameter ${name} must have the Type String`)
  const { Type: _, Default: fallback, ...others } = declaration
  const [other] = Object.keys(others)
  if (other !== undefined) return refuse(`${other} is no member of a parameter`)
  if (fallback !== undefined && typeof fallback !== 'string')
    return refuse(`the Default of the parameter ${name} must be a string`)
  return [name, fallback]
}

function parseResource(
  logicalName: string,
  resource: unknown
): TemplateResource & { readonly type: ResourceType } {
  if (!isObject(resource)) return refuse(`the resource ${logicalName} must be an object`)
  const { Type: type, Properties: properties = {}, OverrideSettings: overrides = {}, ...others } = resource
  const [other] = Object.keys(others)
  if (other !== undefined) refuse(`${other} is no member of a resource`)
  if (typeof type !== 'string' || !Object.hasOwn(grammar, type))
    return refuse(`the resource ${logicalName} has the unknown Type ${String(type)}`)
  if (!isObject(properties) || !isObject(overrides))
    return refuse(`Properties and OverrideSettings of ${logicalName} must be objects`)
  const rules: ResourceGrammar = grammar[type as ResourceType]
  for (const name of Object.keys(properties))
    if (!rules.properties.includes(name)) refuse(`${type} has no property ${name}`)
  return {
    logicalName,
    type: type as ResourceType,
    properties: properties,
    overrides: parseOverrides(overrides, rules, type)
  }
}

/** The guide lists the keys in capitals and uses those of the properties in each of its examples. */
const listedKeys: Readonly<Record<string, string>> = {
  ATTRIBUTE_PAYLOAD: 'AttributePayload',
  THING_TYPE_NAME: 'ThingTypeName',
  THING_GROUPS: 'ThingGroups'
}

function parseOverrides(
  overrides: JsonObject,
  rules: ResourceGrammar,
  type: string
): Readonly<Record<string, OverrideSetting>> {
  const parsed = new Map<string, OverrideSetting>()
  for (const [name, value] of Object.entries(overrides)) {
    const property = Object.hasOwn(listedKeys, name) ? String(listedKeys[name]) : name
    const settings = Object.hasOwn(rules.overrides, property) ? rules.overrides[property] : undefined
    const setting = settings?.find(known => known === value)
    if (setting === undefined)
      return refuse(`${type} has no OverrideSettings ${name}: ${JSON.stringify(value)}`)
    if (parsed.has(property)) return refuse(`OverrideSettings has ${property} twice`)
    parsed.set(property, setting)
  }
  return Object.fromEntries(parsed)
}

function refuse(reason: string): never {
  throw new IotRefusal('InvalidRequestException', `Invalid registration template: ${reason}.`)
}
