import { IotRefusal } from '../../iot-refusal.ts'
import type { PolicyRecord, PolicyVersion } from '../../records.ts'
import { assertPolicyDocument } from './policy-document.ts'

export interface PolicyVersions {
  /** Throws `VersionsLimitExceededException` for the sixth, `MalformedPolicyException`. */
  createPolicyVersion(policyName: string, policyDocument: string, setAsDefault: boolean): PolicyVersion
  /** Throws `ResourceNotFoundException`. */
  getPolicyVersion(policyName: string, versionId: string): PolicyVersion
  setDefaultPolicyVersion(policyName: string, versionId: string): void
  /** Throws `DeleteConflictException` for the default version. */
  deletePolicyVersion(policyName: string, versionId: string): void
}

interface Access {
  readonly getPolicy: (policyName: string) => PolicyRecord
  readonly put: (policy: PolicyRecord) => PolicyRecord
  readonly clock: () => number
}

const versionsMaximum = 5
const firstVersionId = '1'

export function firstVersionOf(policyDocument: string, createdAt: number) {
  return {
    versions: [{ versionId: firstVersionId, policyDocument, createdAt }],
    newestVersionId: firstVersionId
  }
}

/** The oldest first. A state file of an earlier version has policies of one version. */
export function versionsOf({ versions, policyDocument, createdAt }: PolicyRecord): readonly PolicyVersion[] {
  return versions ?? firstVersionOf(policyDocument, createdAt).versions
}

export function defaultVersionIdOf({ defaultVersionId = firstVersionId }: PolicyRecord): string {
  return defaultVersionId
}

export function createPolicyVersions({ getPolicy, put, clock }: Access): PolicyVersions {
  const getPolicyVersion = (policyName: string, versionId: string): PolicyVersion => {
    const version = versionsOf(getPolicy(policyName)).find(each => each.versionId === versionId)
    if (version !== undefined) return version
    throw new IotRefusal('ResourceNotFoundException', `Policy ${policyName} has no version ${versionId}.`)
  }
  const setDefaultPolicyVersion = (policyName: string, versionId: string): void => {
    const { policyDocument } = getPolicyVersion(policyName, versionId)
    put({ ...getPolicy(policyName), policyDocument, defaultVersionId: versionId })
  }
  return {
    createPolicyVersion(policyName, policyDocument, setAsDefault) {
      assertPolicyDocument(policyDocument)
      const policy = getPolicy(policyName)
      const versions = versionsOf(policy)
      if (versions.length >= versionsMaximum)
        throw new IotRefusal('VersionsLimitExceededException', `Policy ${policyName} has 5 versions already.`)
      // The number of a version that was deleted is not given again.
      const newestVersionId = String(Number(policy.newestVersionId ?? firstVersionId) + 1)
      const version = { versionId: newestVersionId, policyDocument, createdAt: clock() }
      put({ ...policy, versions: [...versions, version], newestVersionId })
      if (setAsDefault) setDefaultPolicyVersion(policyName, newestVersionId)
      return version
    },
    getPolicyVersion,
    setDefaultPolicyVersion,
    deletePolicyVersion(policyName, versionId) {
      getPolicyVersion(policyName, versionId)
      const policy = getPolicy(policyName)
      if (versionId === defaultVersionIdOf(policy))
        throw new IotRefusal('DeleteConflictException', `Version ${versionId} is the default version.`)
      put({ ...policy, versions: versionsOf(policy).filter(version => version.versionId !== versionId) })
    }
  }
}
