import type { PolicyRecord } from '../../records.ts'
import { defaultVersionIdOf, versionsOf } from '../../registry/policies/policy-versions.ts'
import { type Call, epochSeconds, type Operation } from '../operation.ts'
import { pageByMarker, pageByTime } from '../page.ts'

/** In characters, white space included: the model lets far more through than the service takes. */
export const documentMaximum = 404_600

export const policyOperations = {
  CreatePolicy: {
    route: 'POST /policies/{policyName}',
    run({ registry, path, body }) {
      const document = body.text('policyDocument', documentMaximum)
      const policy = registry.createPolicy(path.text('policyName'), document)
      const { policyName, policyDocument } = policy
      const policyArn = registry.policyArn(policyName)
      return { policyName, policyArn, policyDocument, policyVersionId: defaultVersionIdOf(policy) }
    }
  },
  GetPolicy: {
    route: 'GET /policies/{policyName}',
    run({ registry, path }) {
      const policy = registry.getPolicy(path.text('policyName'))
      const { policyName, policyDocument, createdAt } = policy
      return {
        policyName,
        policyArn: registry.policyArn(policyName),
        policyDocument,
        defaultVersionId: defaultVersionIdOf(policy),
        creationDate: epochSeconds(createdAt),
        lastModifiedDate: epochSeconds(Math.max(...versionsOf(policy).map(version => version.createdAt)))
      }
    }
  },
  DeletePolicy: {
    route: 'DELETE /policies/{policyName}',
    run({ registry, path }) {
      registry.deletePolicy(path.text('policyName'))
      return {}
    }
  },
  ListPolicies: {
    route: 'GET /policies',
    run({ registry, query }) {
      const { items, next } = pageByTime(query, registry.listPolicies(), ({ policyName }) => policyName)
      return { policies: items.map(policy => summarizePolicy(registry, policy)), nextMarker: next }
    }
  },
  AttachPolicy: {
    route: 'PUT /target-policies/{policyName}',
    run({ registry, path, body }) {
      registry.attachPolicy(path.text('policyName'), body.text('target'))
      return {}
    }
  },
  DetachPolicy: {
    route: 'POST /target-policies/{policyName}',
    run({ registry, path, body }) {
      registry.detachPolicy(path.text('policyName'), body.text('target'))
      return {}
    }
  },
  ListAttachedPolicies: { route: 'POST /attached-policies/{target}', run: listAttachedPolicies },
  ListTargetsForPolicy: {
    route: 'POST /policy-targets/{policyName}',
    run({ registry, path, query }) {
      const targets = registry.listTargetsForPolicy(path.text('policyName'))
      const { items, next } = pageByMarker(query, targets, target => target)
      return { targets: items, nextMarker: next }
    }
  }
} satisfies Readonly<Record<string, Operation>>

function listAttachedPolicies({ registry, path, query }: Call): object {
  const target = path.text('target')
  const groupName = /:thinggroup\/(.+)$/.exec(target)?.[1]
  const own = registry.listAttachedPolicies(target)
  const parents =
    groupName !== undefined && query.flag('recursive') ? registry.parentsOfThingGroup(groupName) : []
  const inherited = parents.flatMap(({ thingGroupName }) =>
    registry.listAttachedPolicies(registry.thingGroupArn(thingGroupName))
  )
  const policies = [...new Set([...own, ...inherited])]
  const { items, next } = pageByMarker(query, policies, ({ policyName }) => policyName)
  return { policies: items.map(policy => summarizePolicy(registry, policy)), nextMarker: next }
}

export function summarizePolicy({ policyArn }: Call['registry'], { policyName }: PolicyRecord): object {
  return { policyName, policyArn: policyArn(policyName) }
}
