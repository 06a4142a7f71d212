import { createHash } from 'node:crypto'
import type { CredentialScope } from '../control-plane/signature.ts'
import { parsePolicyDocument } from '../policy/policy-document.ts'
import type { RoleRecord } from '../records.ts'
import { partitionOf } from '../registry/arns.ts'
import type { Registry } from '../registry/registry.ts'
import { IamRefusal } from './refusal.ts'
import { simulateAction } from './simulation.ts'
import type { XmlValue } from './xml.ts'

interface IamCall {
  readonly registry: Registry
  readonly scope: CredentialScope
  readonly parameters: URLSearchParams
  readonly now: number
}

type IamOperation = (call: IamCall) => XmlValue

/** Roles and their policies: as much of IAM as tells whether just-in-time provisioning may do its work. */
const table = {
  CreateRole: call => ({ Role: describeRole(createRole(call)) }),
  GetRole: call => ({ Role: describeRole(roleOf(call)) }),
  ListRoles: ({ registry }) => ({ Roles: registry.listRoles().map(describeRole), IsTruncated: false }),
  DeleteRole(call) {
    const { roleArn, policies, attachedPolicyArns } = roleOf(call)
    if (Object.keys(policies).length > 0 || attachedPolicyArns.length > 0)
      throw new IamRefusal('DeleteConflict', 'The role still has policies.')
    call.registry.removeRole(roleArn)
    return {}
  },
  PutRolePolicy(call) {
    const role = roleOf(call)
    const policies = { ...role.policies, [textOf(call, 'PolicyName')]: documentOf(call, 'PolicyDocument') }
    call.registry.putRole({ ...role, policies })
    return {}
  },
  GetRolePolicy(call) {
    const { role, policyName, document } = inlinePolicyOf(call)
    return {
      RoleName: roleNameOf(role),
      PolicyName: policyName,
      PolicyDocument: encodeURIComponent(document)
    }
  },
  DeleteRolePolicy(call) {
    const { role, policyName } = inlinePolicyOf(call)
    const kept = Object.entries(role.policies).filter(([name]) => name !== policyName)
    call.registry.putRole({ ...role, policies: Object.fromEntries(kept) })
    return {}
  },
  ListRolePolicies: call => ({ PolicyNames: Object.keys(roleOf(call).policies), IsTruncated: false }),
  AttachRolePolicy(call) {
    const role = roleOf(call)
    const policyArn = managedPolicyOf(call)
    const others = role.attachedPolicyArns.filter(arn => arn !== policyArn)
    call.registry.putRole({ ...role, attachedPolicyArns: [...others, policyArn] })
    return {}
  },
  DetachRolePolicy(call) {
    const role = roleOf(call)
    const policyArn = managedPolicyOf(call)
    if (!role.attachedPolicyArns.includes(policyArn))
      throw new IamRefusal('NoSuchEntity', `Policy ${policyArn} is not attached.`)
    const attachedPolicyArns = role.attachedPolicyArns.filter(arn => arn !== policyArn)
    call.registry.putRole({ ...role, attachedPolicyArns })
    return {}
  },
  ListAttachedRolePolicies: call => ({
    AttachedPolicies: roleOf(call).attachedPolicyArns.map(arn => ({
      PolicyName: arn.slice(arn.lastIndexOf('/') + 1),
      PolicyArn: arn
    })),
    IsTruncated: false
  }),
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
  GetCallerIdentity: ({ registry, scope }) => ({
    Arn: `arn:${partitionOf(registry.region)}:iam::${registry.accountId}:root`,
    UserId: scope.accessKeyId,
    Account: registry.accountId
  })
} satisfies Readonly<Record<string, IamOperation>>

export type IamOperationName = keyof typeof table

export const iamOperations: Readonly<Record<IamOperationName, IamOperation>> = table
export const iamOperationNames = Object.keys(table) as readonly IamOperationName[]

function createRole(call: IamCall): RoleRecord {
  const { registry, parameters, now } = call
  const roleName = textOf(call, 'RoleName')
  const path = parameters.get('Path') ?? '/'
  if (!/^[\w+=,.@-]{1,64}$/.test(roleName) || !/^\/([!-~]{1,510}\/)?$/.test(path))
    throw new IamRefusal('ValidationError', 'RoleName or Path is not valid.')
  const assumeRolePolicyDocument = documentOf(call, 'AssumeRolePolicyDocument')
  if (findRole(registry, roleName) !== undefined)
    throw new IamRefusal('EntityAlreadyExists', `Role with name ${roleName} already exists.`)
  const role = {
    roleArn: `arn:${partitionOf(registry.region)}:iam::${registry.accountId}:role${path}${roleName}`,
    assumeRolePolicyDocument,
    policies: {},
    attachedPolicyArns: [],
    createdAt: now
  }
  registry.putRole(role)
  return role
}

function simulatePrincipalPolicy(call: IamCall): XmlValue {
  const sourceArn = textOf(call, 'PolicySourceArn')
  const role = call.registry.findRole(sourceArn)
  if (role === undefined) throw new IamRefusal('NoSuchEntity', `The entity ${sourceArn} cannot be found.`)
  const results = listOf(call, 'ActionNames').map(action => ({
    EvalActionName: action,
    EvalResourceName: '*',
    EvalDecision: simulateAction(role, action),
    MatchedStatements: []
  }))
  return { EvaluationResults: results, IsTruncated: false }
}

function describeRole(role: RoleRecord): { readonly [name: string]: XmlValue } {
  const { roleArn, assumeRolePolicyDocument, createdAt = 0 } = role
  const roleName = roleNameOf(role)
  return {
    Path: roleArn.slice(roleArn.indexOf(':role/') + ':role'.length, -roleName.length),
    RoleName: roleName,
    RoleId: `AROA${createHash('sha256').update(roleArn).digest('hex').slice(0, 17).toUpperCase()}`,
    Arn: roleArn,
    CreateDate: new Date(createdAt).toISOString(),
    AssumeRolePolicyDocument: encodeURIComponent(assumeRolePolicyDocument)
  }
}

function roleNameOf({ roleArn }: RoleRecord): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1)
}

function findRole(registry: Registry, roleName: string): RoleRecord | undefined {
  return registry.listRoles().find(role => roleNameOf(role) === roleName)
}

function roleOf(call: IamCall): RoleRecord {
  const roleName = textOf(call, 'RoleName')
  const role = findRole(call.registry, roleName)
  if (role !== undefined) return role
  throw new IamRefusal('NoSuchEntity', `The role with name ${roleName} cannot be found.`)
}

function inlinePolicyOf(call: IamCall) {
  const role = roleOf(call)
  const policyName = textOf(call, 'PolicyName')
  const document = Object.hasOwn(role.policies, policyName) ? role.policies[policyName] : undefined
  if (document !== undefined) return { role, policyName, document }
  throw new IamRefusal('NoSuchEntity', `The role policy with name ${policyName} cannot be found.`)
}

/** Policies that AWS manages; the stand-in holds none of the customer's. */
function managedPolicyOf(call: IamCall): string {
  const policyArn = textOf(call, 'PolicyArn')
  if (/^arn:aws[a-z-]*:iam::aws:policy\/[\w+=,.@/-]+$/.test(policyArn)) return policyArn
  throw new IamRefusal('NoSuchEntity', `Policy ${policyArn} does not exist or is not attachable.`)
}

function textOf({ parameters }: IamCall, name: string): string {
  const text = parameters.get(name)
  if (text !== null && text !== '') return text
  throw new IamRefusal('ValidationError', `1 validation error detected: value at '${name}' must not be null.`)
}

/** A list travels as `Name.member.1`, `Name.member.2` and so on. */
function listOf(call: IamCall, name: string): readonly string[] {
  const texts: string[] = []
  for (let index = 1; call.parameters.has(`${name}.member.${index}`); index++)
    texts.push(textOf(call, `${name}.member.${index}`))
  return texts
}

function documentOf(call: IamCall, name: string): string {
  const document = textOf(call, name)
  try {
    parsePolicyDocument(document)
    return document
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new IamRefusal('MalformedPolicyDocument', error.message)
  }
}
