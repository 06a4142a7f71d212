import { IotRefusal } from '../../iot-refusal.ts'
import type { PolicyRecord } from '../../records.ts'
import { policiesOfGroups } from '../../registry/things/group-policies.ts'
import type { Call, Operation } from '../operation.ts'
import { pageByMarker } from '../page.ts'
import { summarizePolicy } from './policies.ts'

const principalHeader = 'x-amzn-iot-principal'
const policyHeader = 'x-amzn-iot-policy'

/** The deprecated operations by principal, and what all policies of a device come to. */
export const principalPolicyOperations = {
  AttachPrincipalPolicy: {
    route: 'PUT /principal-policies/{policyName}',
    run({ registry, path, headers }) {
      registry.attachPolicy(path.text('policyName'), headers.text(principalHeader))
      return {}
    }
  },
  DetachPrincipalPolicy: {
    route: 'DELETE /principal-policies/{policyName}',
    run({ registry, path, headers }) {
      registry.detachPolicy(path.text('policyName'), headers.text(principalHeader))
      return {}
    }
  },
  ListPrincipalPolicies: {
    route: 'GET /principal-policies',
    run({ registry, query, headers }) {
      const attached = registry.listAttachedPolicies(headers.text(principalHeader))
      const { items, next } = pageByMarker(query, attached, ({ policyName }) => policyName)
      return { policies: items.map(policy => summarizePolicy(registry, policy)), nextMarker: next }
    }
  },
  ListPolicyPrincipals: {
    route: 'GET /policy-principals',
    run({ registry, query, headers }) {
      const principals = registry
        .listTargetsForPolicy(headers.text(policyHeader))
        .filter(target => target.includes(':cert/'))
      const { items, next } = pageByMarker(query, principals, principal => principal)
      return { principals: items, nextMarker: next }
    }
  },
  GetEffectivePolicies: { route: 'POST /effective-policies', run: getEffectivePolicies }
} satisfies Readonly<Record<string, Operation>>

function getEffectivePolicies({ registry, query, body }: Call): object {
  const principal = body.optionalText('principal')
  const thingName = query.optionalText('thingName')
  if (principal === undefined && thingName === undefined)
    throw new IotRefusal('InvalidRequestException', 'A principal or a thingName must be given.')
  const ofPrincipal = principal === undefined ? [] : registry.listAttachedPolicies(principal)
  const ofThing = thingName === undefined ? [] : policiesOfGroups(registry, registry.describeThing(thingName))
  const effectivePolicies = [...new Set<PolicyRecord>([...ofPrincipal, ...ofThing])].map(policy => ({
    ...summarizePolicy(registry, policy),
    policyDocument: policy.policyDocument
  }))
  return { effectivePolicies }
}
