import { IotRefusal } from '../iot-refusal.ts'
import { parsePolicyDocument, type PolicyStatement } from '../policy/policy-document.ts'
import { matchesPattern, parseWildcardPattern } from '../policy/wildcard-pattern.ts'
import type { RoleRecord } from '../records.ts'

export const thingsRegistrationPolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration'

/** What the managed policy grants, version 3. */
const thingsRegistrationActions = [
  'AddThingToBillingGroup',
  'AddThingToThingGroup',
  'AttachPolicy',
  'AttachPrincipalPolicy',
  'AttachThingPrincipal',
  'CreateCertificateFromCsr',
  'CreatePolicy',
  'CreateThing',
  'DescribeBillingGroup',
  'DescribeCertificate',
  'DescribeThing',
  'DescribeThingGroup',
  'DescribeThingType',
  'DetachPolicy',
  'DetachThingPrincipal',
  'GetPolicy',
  'ListAttachedPolicies',
  'ListPolicyPrincipals',
  'ListPrincipalPolicies',
  'ListPrincipalThings',
  'ListTargetsForPolicy',
  'ListThingGroupsForThing',
  'ListThingPrincipals',
  'RegisterCertificate',
  'RegisterThing',
  'RemoveThingFromBillingGroup',
  'RemoveThingFromThingGroup',
  'UpdateCertificate',
  'UpdateThing',
  'UpdateThingGroupsForThing'
].map(name => `iot:${name}`)

/**
 * Assures that AWS IoT may assume the role and then do each of the actions. Of the role's statements the effect and
 * the actions count; their resources and conditions are not looked at. Throws `UnauthorizedException`.
 *
 * @param role undefined where there is none of that name.
 */
export function assertRoleAllows(
  roleArn: string,
  role: RoleRecord | undefined,
  actions: readonly string[]
): void {
  if (role === undefined) refuse(`the role ${roleArn} does not exist`)
  const trust = readStatements(role.assumeRolePolicyDocument, readTrust).filter(concernsIot)
  if (trust.length === 0 || trust.some(({ Effect }) => Effect !== 'Allow'))
    refuse(`the role ${roleArn} does not let iot.amazonaws.com assume it`)
  const statements = [
    ...Object.values(role.policies).flatMap(document =>
      readStatements(document, text => parsePolicyDocument(text).statements)
    ),
    ...role.attachedPolicyArns.flatMap(managedStatements)
  ]
  for (const action of actions)
    if (!isActionAllowed(statements, action)) refuse(`the role ${roleArn} does not allow ${action}`)
}

function isActionAllowed(statements: readonly PolicyStatement[], action: string): boolean {
  // What is written as NotAction leaves its list empty, and is never to the good of the role.
  const mayDeny = ({ effect, actions }: PolicyStatement) => effect === 'Deny' && actions.length === 0
  const effects = statements.filter(statement => namesAction(statement, action)).map(({ effect }) => effect)
  return effects.includes('Allow') && !effects.includes('Deny') && !statements.some(mayDeny)
}

/** IAM compares actions without regard to case. */
function namesAction({ actions }: PolicyStatement, action: string): boolean {
  return actions.some(pattern => {
    const parsed = parseWildcardPattern(pattern.toLowerCase(), new Map())
    return parsed !== undefined && matchesPattern(parsed, action.toLowerCase())
  })
}

function managedStatements(policyArn: string): PolicyStatement[] {
  if (policyArn !== thingsRegistrationPolicyArn) return []
  return [
    {
      effect: 'Allow',
      actions: thingsRegistrationActions,
      resources: ['*'],
      conditions: [],
      isBeyondUs: false
    }
  ]
}

interface TrustStatement {
  readonly Effect?: unknown
  readonly Action?: unknown
  readonly Principal?: { readonly Service?: unknown }
}

function readTrust(text: string): readonly TrustStatement[] {
  const { Statement: statement = [] } = JSON.parse(text) as { readonly Statement?: TrustStatement }
  return [statement].flat()
}

function concernsIot({ Action: action, Principal: principal }: TrustStatement): boolean {
  const includes = (value: unknown, text: string) => [value].flat().includes(text)
  return (
    (includes(action, 'sts:AssumeRole') || includes(action, 'sts:*')) &&
    includes(principal?.Service, 'iot.amazonaws.com')
  )
}

/** A document that cannot be read grants nothing. */
function readStatements<Statement>(
  text: string,
  read: (text: string) => readonly Statement[]
): readonly Statement[] {
  try {
    return read(text)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function refuse(reason: string): never {
  throw new IotRefusal('UnauthorizedException', `RegisterThing is not authorized: ${reason}.`)
}
