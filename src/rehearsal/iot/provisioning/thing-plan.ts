import type { ThingRecord } from '../records.ts'
import { assertAttributes, assertName } from '../registry/names.ts'
import type { PlannedCertificate } from './certificate-plan.ts'
import { evaluateList, evaluateObject, evaluateText, isCall } from './expression.ts'
import { overrideOf, type PlanContext, type PlannedResource, refuseConflict, refuseValue } from './plan.ts'
import type { TemplateResource } from './template-engine.ts'

/** What a template asks of its thing, in plain values; undefined where it asks nothing. */
interface WantedThing {
  readonly thingName: string
  readonly attributes: Readonly<Record<string, string>> | undefined
  readonly thingTypeName: string | undefined
  readonly thingGroups: readonly string[] | undefined
  readonly billingGroupName: string | undefined
}

type ThingState = Pick<ThingRecord, 'attributes' | 'thingTypeName' | 'thingGroups' | 'billingGroupName'>

const groupsPerThing = 10
const attributesWithoutType = 3
const attributesWithType = 50

/**
 * Judges the thing of a template against what is there. A thing that exists keeps its billing group; what else
 * happens to it is up to `OverrideSettings`, where `FAIL` refuses whether or not the values differ.
 *
 * Throws `InvalidRequestException`, `ResourceNotFoundException`, `ConflictingResourceUpdateException`.
 */
export function planThing(
  resource: TemplateResource,
  certificate: Pick<PlannedCertificate, 'certificateId' | 'principalType'>,
  context: PlanContext
): PlannedResource {
  const { registry } = context
  const wanted = readWantedThing(resource, context)
  const { thingName } = wanted
  const existing = registry.findThing(thingName)
  const overrideFor = (property: string) => overrideOf(resource, property, context.settings)
  const next = existing === undefined ? newState(wanted) : overridden(existing, wanted, overrideFor)
  assertAttributes(next.attributes, next.thingTypeName === null ? attributesWithoutType : attributesWithType)
  assertGroups(next.thingGroups, context)
  assertAttachable(thingName, certificate, context)
  return {
    logicalName: resource.logicalName,
    requiredActions: requiredActions(existing, next),
    apply(certificateArn) {
      putThing(registry, existing, { thingName, ...next })
      registry.attachThingPrincipal(thingName, certificateArn, certificate.principalType)
      return registry.thingArn(thingName)
    }
  }
}

function readWantedThing({ properties }: TemplateResource, context: PlanContext): WantedThing {
  const { scope, registry } = context
  const text = (name: string) =>
    properties[name] === undefined ? undefined : evaluateText(properties[name], scope, name)
  const thingName = text('ThingName') ?? refuseValue('A thing has a ThingName')
  assertName('thingName', thingName)
  const wanted = {
    thingName,
    attributes:
      properties.AttributePayload === undefined
        ? undefined
        : evaluateObject(properties.AttributePayload, scope, 'AttributePayload'),
    thingTypeName: text('ThingTypeName'),
    thingGroups:
      properties.ThingGroups === undefined
        ? undefined
        : [...new Set(evaluateList(properties.ThingGroups, scope, 'ThingGroups'))],
    billingGroupName: text('BillingGroup')
  }
  assertPackageVersions(properties.PackageVersions, context)
  const { thingTypeName, thingGroups = [], billingGroupName } = wanted
  if (thingTypeName !== undefined) registry.describeThingType(thingTypeName)
  for (const name of thingGroups) registry.describeThingGroup(name)
  if (billingGroupName !== undefined) registry.describeBillingGroup(billingGroupName)
  return wanted
}

/** The guide has it as a string for the names of package and version. The stand-in has no packages: nothing is made of it. */
function assertPackageVersions(value: unknown, { scope }: PlanContext): void {
  if (value === undefined) return
  if (typeof value === 'string' || isCall(value)) evaluateText(value, scope, 'PackageVersions')
  else evaluateObject(value, scope, 'PackageVersions')
}

function newState(wanted: WantedThing): ThingState {
  return {
    attributes: wanted.attributes ?? {},
    thingTypeName: wanted.thingTypeName ?? null,
    thingGroups: wanted.thingGroups ?? [],
    billingGroupName: wanted.billingGroupName ?? null
  }
}

interface PropertyValues<Value> {
  readonly present: Value
  /** Undefined where the template has none. */
  readonly given: Value | undefined
  readonly merged: Value
}

function overridden(
  existing: ThingRecord,
  wanted: WantedThing,
  overrideFor: (property: string) => ReturnType<typeof overrideOf>
): ThingState {
  const choose = <Value>(property: string, { present, given, merged }: PropertyValues<Value>): Value => {
    if (given === undefined) return present
    switch (overrideFor(property)) {
      case 'DO_NOTHING':
        return present
      case 'REPLACE':
        return given
      case 'MERGE':
        return merged
      case 'FAIL':
        return refuseConflict(`${property} of the thing ${existing.thingName}`)
    }
  }
  const { attributes, thingTypeName, thingGroups } = existing
  const mergedGroups = [...new Set([...thingGroups, ...(wanted.thingGroups ?? [])])]
  return {
    attributes: choose('AttributePayload', {
      present: attributes,
      given: wanted.attributes,
      merged: { ...attributes, ...wanted.attributes }
    }),
    thingTypeName: choose('ThingTypeName', {
      present: thingTypeName,
      given: wanted.thingTypeName,
      merged: thingTypeName
    }),
    thingGroups: choose('ThingGroups', {
      present: thingGroups,
      given: wanted.thingGroups,
      merged: mergedGroups
    }),
    billingGroupName: existing.billingGroupName
  }
}

/** A thing is in ten groups at the most, and never in two of one hierarchy. */
function assertGroups(names: readonly string[], { registry }: PlanContext): void {
  if (names.length > groupsPerThing) refuseValue(`A thing is in ${groupsPerThing} groups at the most`)
  const roots = names.map(name => registry.parentsOfThingGroup(name)[0]?.thingGroupName ?? name)
  if (new Set(roots).size < roots.length) refuseValue('Two of the thing groups are in one hierarchy')
}

/** An exclusive certificate is on one thing alone. */
function assertAttachable(
  thingName: string,
  { certificateId, principalType }: Pick<PlannedCertificate, 'certificateId' | 'principalType'>,
  { registry }: PlanContext
): void {
  if (registry.findCertificate(certificateId) === undefined) return
  const attached = registry.listPrincipalThings(registry.certificateArn(certificateId))
  const isExcluded = attached.some(other =>
    other.thingName === thingName
      ? other.thingPrincipalType !== principalType
      : [other.thingPrincipalType, principalType].includes('EXCLUSIVE_THING')
  )
  if (isExcluded) refuseValue(`The certificate is attached in a way that excludes ${principalType}`)
}

function requiredActions(existing: ThingRecord | undefined, next: ThingState): string[] {
  const added = next.thingGroups.some(name => existing?.thingGroups.includes(name) !== true)
  const removed = existing?.thingGroups.some(name => !next.thingGroups.includes(name)) === true
  return [
    ...(existing === undefined ? ['iot:CreateThing'] : []),
    ...(existing !== undefined && isChanged(existing, next) ? ['iot:UpdateThing'] : []),
    ...(added ? ['iot:AddThingToThingGroup'] : []),
    ...(removed ? ['iot:RemoveThingFromThingGroup'] : []),
    ...(existing === undefined && next.billingGroupName !== null ? ['iot:AddThingToBillingGroup'] : []),
    'iot:AttachThingPrincipal'
  ]
}

function isChanged(existing: ThingRecord, next: ThingState): boolean {
  const content = ({ thingTypeName, attributes }: ThingState) =>
    JSON.stringify([thingTypeName, Object.entries(attributes).sort()])
  return content(existing) !== content(next)
}

function putThing(
  registry: PlanContext['registry'],
  existing: ThingRecord | undefined,
  next: ThingState & Pick<ThingRecord, 'thingName'>
): void {
  const { thingName, attributes, thingTypeName, billingGroupName } = next
  if (existing === undefined) registry.createThing({ thingName, attributes, thingTypeName, billingGroupName })
  else if (isChanged(existing, next)) registry.updateThing(thingName, { attributes, thingTypeName })
  const present = existing?.thingGroups ?? []
  for (const name of present)
    if (!next.thingGroups.includes(name)) registry.removeThingFromThingGroup(name, thingName)
  for (const name of next.thingGroups)
    if (!present.includes(name)) registry.addThingToThingGroup(name, thingName)
}
