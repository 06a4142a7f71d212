import { defaultVersionIdOf, versionsOf } from '../../registry/policies/policy-versions.ts'
import { type Call, epochSeconds, type Operation } from '../operation.ts'
import { documentMaximum } from './policies.ts'

const route = '/policies/{policyName}/version'

export const policyVersionOperations = {
  CreatePolicyVersion: {
    route: `POST ${route}`,
    run({ registry, path, query, body }) {
      const policyName = path.text('policyName')
      const document = body.text('policyDocument', documentMaximum)
      const isDefaultVersion = query.flag('setAsDefault')
      const version = registry.createPolicyVersion(policyName, document, isDefaultVersion)
      const { versionId: policyVersionId, policyDocument } = version
      const policyArn = registry.policyArn(policyName)
      return { policyArn, policyDocument, policyVersionId, isDefaultVersion }
    }
  },
  ListPolicyVersions: {
    route: `GET ${route}`,
    run({ registry, path }) {
      const policy = registry.getPolicy(path.text('policyName'))
      const policyVersions = versionsOf(policy).map(({ versionId, createdAt }) => ({
        versionId,
        isDefaultVersion: versionId === defaultVersionIdOf(policy),
        createDate: epochSeconds(createdAt)
      }))
      return { policyVersions }
    }
  },
  GetPolicyVersion: {
    route: `GET ${route}/{policyVersionId}`,
    run(call) {
      const { registry } = call
      const [policyName, policyVersionId] = labelsOf(call)
      const { policyDocument, createdAt } = registry.getPolicyVersion(policyName, policyVersionId)
      return {
        policyArn: registry.policyArn(policyName),
        policyName,
        policyDocument,
        policyVersionId,
        isDefaultVersion: policyVersionId === defaultVersionIdOf(registry.getPolicy(policyName)),
        creationDate: epochSeconds(createdAt),
        lastModifiedDate: epochSeconds(createdAt)
      }
    }
  },
  SetDefaultPolicyVersion: {
    route: `PATCH ${route}/{policyVersionId}`,
    run(call) {
      call.registry.setDefaultPolicyVersion(...labelsOf(call))
      return {}
    }
  },
  DeletePolicyVersion: {
    route: `DELETE ${route}/{policyVersionId}`,
    run(call) {
      call.registry.deletePolicyVersion(...labelsOf(call))
      return {}
    }
  }
} satisfies Readonly<Record<string, Operation>>

function labelsOf({ path }: Call): [string, string] {
  return [path.text('policyName'), path.text('policyVersionId')]
}
