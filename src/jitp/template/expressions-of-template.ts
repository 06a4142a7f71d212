import type { Expression, ListExpression } from './expression.ts'
import type { PolicyResource, ProvisioningTemplate, ThingResource } from './template.ts'

/** Every expression of a template that stands by itself, in the order of the resources. */
export function expressionsOf(template: ProvisioningTemplate): readonly (Expression | ListExpression)[] {
  return [
    ...template.things.flatMap(thingExpressions),
    ...template.certificates.flatMap(({ certificateId, status, thingPrincipalType }) =>
      present([certificateId, status, thingPrincipalType])
    ),
    ...template.policies.flatMap(policyExpressions),
    ...(template.deviceConfiguration ?? []).map(({ value }) => value)
  ]
}

/** The expressions of one policy; a document written as an object has none. */
export function policyExpressions({ policyName, policyDocument }: PolicyResource): readonly Expression[] {
  return present([policyName, policyDocument?.kind === 'object' ? undefined : policyDocument])
}

function thingExpressions(thing: ThingResource): readonly (Expression | ListExpression)[] {
  return present([
    thing.thingName,
    ...thing.attributes.map(attribute => attribute.value),
    thing.thingTypeName,
    thing.thingGroups,
    thing.billingGroup,
    ...(thing.packageVersions ?? [])
  ])
}

function present<Value>(values: readonly (Value | undefined)[]): readonly Value[] {
  return values.filter(value => value !== undefined)
}
