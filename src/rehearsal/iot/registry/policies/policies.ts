import { IotRefusal } from '../../iot-refusal.ts'
import type { PolicyRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { assertName } from '../names.ts'
import { assertPolicyDocument } from './policy-document.ts'
import { createPolicyVersions, firstVersionOf, type PolicyVersions, versionsOf } from './policy-versions.ts'

/** Policies of AWS IoT. A target is the ARN of a certificate or of a thing group. */
export interface Policies extends PolicyVersions {
  /** Throws `MalformedPolicyException`; `ResourceAlreadyExistsException` even for the same document. */
  createPolicy(policyName: string, policyDocument: string): PolicyRecord
  findPolicy(policyName: string): PolicyRecord | undefined
  /** Throws `ResourceNotFoundException`. */
  getPolicy(policyName: string): PolicyRecord
  /** Throws `DeleteConflictException` while it is attached, or has versions beside the default one. */
  deletePolicy(policyName: string): void
  /** Throws `LimitExceededException` for the eleventh policy of a target. */
  attachPolicy(policyName: string, target: string): void
  /** Does nothing when it is not attached. */
  detachPolicy(policyName: string, target: string): void
  listPolicies(): readonly PolicyRecord[]
  listAttachedPolicies(target: string): readonly PolicyRecord[]
  listTargetsForPolicy(policyName: string): readonly string[]
}

/** What one target can have attached. */
export const policiesOfTargetMaximum = 10

export function createPolicies(context: RegistryContext): Policies {
  const { state, arns, clock, changed } = context
  const getPolicy = (policyName: string): PolicyRecord => {
    const policy = state.policies.get(policyName)
    if (policy !== undefined) return policy
    throw new IotRefusal('ResourceNotFoundException', `Policy ${policyName} not found.`)
  }
  const put = (policy: PolicyRecord): PolicyRecord => {
    state.policies.set(policy.policyName, policy)
    changed()
    return policy
  }
  const listAttachedPolicies = (target: string): readonly PolicyRecord[] => {
    assertTarget(context, target)
    return [...state.policies.values()].filter(({ targets }) => targets.includes(target))
  }
  return {
    createPolicy(policyName, policyDocument) {
      assertName('policyName', policyName)
      assertPolicyDocument(policyDocument)
      if (state.policies.has(policyName))
        throw new IotRefusal('ResourceAlreadyExistsException', `Policy ${policyName} exists.`, {
          resourceId: policyName,
          resourceArn: arns.policyArn(policyName)
        })
      const createdAt = clock()
      return put({
        ...firstVersionOf(policyDocument, createdAt),
        policyName,
        policyDocument,
        targets: [],
        createdAt
      })
    },
    ...createPolicyVersions({ getPolicy, put, clock }),
    findPolicy: policyName => state.policies.get(policyName),
    getPolicy,
    deletePolicy(policyName) {
      assertDeletable(getPolicy(policyName))
      state.policies.delete(policyName)
      changed()
    },
    attachPolicy(policyName, target) {
      const policy = getPolicy(policyName)
      const attached = listAttachedPolicies(target)
      if (attached.includes(policy)) return
      if (attached.length >= policiesOfTargetMaximum)
        throw new IotRefusal('LimitExceededException', 'The target has 10 policies already.')
      put({ ...policy, targets: [...policy.targets, target] })
    },
    detachPolicy(policyName, target) {
      const policy = getPolicy(policyName)
      put({ ...policy, targets: policy.targets.filter(attached => attached !== target) })
    },
    listPolicies: () => [...state.policies.values()],
    listAttachedPolicies,
    listTargetsForPolicy: policyName => getPolicy(policyName).targets
  }
}

function assertDeletable(policy: PolicyRecord): void {
  const { policyName, targets } = policy
  if (targets.length > 0) throw new IotRefusal('DeleteConflictException', `Policy ${policyName} is attached.`)
  if (versionsOf(policy).length > 1)
    throw new IotRefusal(
      'DeleteConflictException',
      `Policy ${policyName} has versions that are not the default.`
    )
}

function assertTarget({ state, arns }: RegistryContext, target: string): void {
  const [, kind, name = ''] = /^arn:aws[a-z-]*:iot:[^:]+:\d{12}:(cert|thinggroup)\/(.+)$/.exec(target) ?? []
  if (kind === undefined)
    throw new IotRefusal('InvalidRequestException', `${target} is no target of a policy here.`)
  const isKnown =
    kind === 'cert'
      ? state.certificates.has(name) && arns.certificateArn(name) === target
      : state.thingGroups.has(name) && arns.thingGroupArn(name) === target
  if (!isKnown) throw new IotRefusal('ResourceNotFoundException', `${target} not found.`)
}
