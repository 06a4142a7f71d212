import type { ProvisioningTemplate } from '../template/template.ts'

/** An action of IAM that AWS IoT takes with the provisioning role, and what for. */
export interface RequiredAction {
  readonly action: `iot:${string}`
  readonly reason: string
  /**
   * Whether no device can be provisioned without it. The others are reads, and changes of what exists already, that
   * AWS may or may not make; its managed policy grants them.
   */
  readonly isEssential: boolean
}

type Facts = ReturnType<typeof factsOf>

interface Rule extends RequiredAction {
  readonly isNeeded: (facts: Facts) => boolean
}

const always = () => true

/** Of the managed policy AWSIoTThingsRegistration, what just-in-time provisioning can have a use for. */
const rules: readonly Rule[] = [
  rule('DescribeCertificate', 'to read the certificate of the device', always),
  essential('UpdateCertificate', 'to give the certificate its status', always),
  rule('DescribeThing', 'to see whether the thing exists', facts => facts.makesThing),
  essential('CreateThing', 'to create the thing', facts => facts.makesThing),
  rule('UpdateThing', 'to change a thing that exists, as OverrideSettings say', facts => facts.makesThing),
  rule('ListThingPrincipals', 'to see what is attached to the thing', facts => facts.makesThing),
  essential('AttachThingPrincipal', 'to attach the certificate to the thing', facts => facts.makesThing),
  rule('DescribeThingType', 'to read the thing type', facts => facts.namesType),
  rule('DescribeThingGroup', 'to read the thing groups', facts => facts.namesGroups),
  rule('ListThingGroupsForThing', 'to see which groups the thing is in', facts => facts.namesGroups),
  essential('AddThingToThingGroup', 'to put the thing into its groups', facts => facts.namesGroups),
  rule('RemoveThingFromThingGroup', 'to take an existing thing out of groups', facts => facts.changesGroups),
  rule(
    'UpdateThingGroupsForThing',
    'to change the groups of an existing thing',
    facts => facts.changesGroups
  ),
  rule('DescribeBillingGroup', 'to read the billing group', facts => facts.namesBillingGroup),
  essential('AddThingToBillingGroup', 'to bill the thing to its group', facts => facts.namesBillingGroup),
  rule('GetPolicy', 'to see whether the policy exists', facts => facts.attachesPolicy),
  essential('CreatePolicy', 'to make a policy of the document', facts => facts.makesPolicy),
  essential('AttachPolicy', 'to attach the policy to the certificate', facts => facts.attachesPolicy),
  rule('AttachPrincipalPolicy', 'the same, by its older name', facts => facts.attachesPolicy),
  rule('ListAttachedPolicies', 'to see the policies of the certificate', facts => facts.attachesPolicy),
  rule('ListPrincipalPolicies', 'the same, by its older name', facts => facts.attachesPolicy)
]

/**
 * The actions that AWS IoT takes with the provisioning role for this template, each once. AWS publishes no such list
 * for a template; this one is drawn from its managed policy AWSIoTThingsRegistration.
 */
export function requiredActions(template: ProvisioningTemplate): readonly RequiredAction[] {
  const facts = factsOf(template)
  return rules
    .filter(({ isNeeded }) => isNeeded(facts))
    .map(({ action, reason, isEssential }) => ({ action, reason, isEssential }))
}

function rule(name: string, reason: string, isNeeded: Rule['isNeeded']): Rule {
  return { action: `iot:${name}`, reason, isNeeded, isEssential: false }
}

function essential(name: string, reason: string, isNeeded: Rule['isNeeded']): Rule {
  return { ...rule(name, reason, isNeeded), isEssential: true }
}

function factsOf({ things, policies }: ProvisioningTemplate) {
  return {
    makesThing: things.length > 0,
    namesType: things.some(({ thingTypeName }) => thingTypeName !== undefined),
    namesGroups: things.some(({ thingGroups }) => thingGroups !== undefined),
    changesGroups: things.some(({ overrides = [] }) => overrides.some(changesGroups)),
    namesBillingGroup: things.some(({ billingGroup }) => billingGroup !== undefined),
    attachesPolicy: policies.length > 0,
    makesPolicy: policies.some(({ policyDocument }) => policyDocument !== undefined)
  }
}

/** AWS spells the key either way. */
function changesGroups({ key, value }: { readonly key: string; readonly value: string }): boolean {
  return ['ThingGroups', 'THING_GROUPS'].includes(key) && ['REPLACE', 'MERGE'].includes(value)
}

export const iotServicePrincipal = 'iot.amazonaws.com'

/** The trust policy of the role: AWS IoT may assume it. */
export function buildTrustPolicy() {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: iotServicePrincipal }, Action: 'sts:AssumeRole' }]
  }
}

/** The permission policy of the role. */
export function buildPermissionPolicy(actions: readonly RequiredAction[]) {
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions.map(({ action }) => action).sort(), Resource: '*' }]
  }
}
