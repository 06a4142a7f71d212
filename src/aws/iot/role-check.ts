import { GetRoleCommand, IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam'
import { clientSettings, withinTime } from '../../aws-client/client-settings.ts'
import { awsFailure, isAwsError, isDenial } from '../../aws-client/failure.ts'
import { iotServicePrincipal, type RequiredAction } from '../../jitp/policy/required-actions.ts'
import type { Drift, Examination } from './examination.ts'
import type { AwsPlace } from './place.ts'

/**
 * Compares a role with what the template needs of it: that AWS IoT may assume it, and that it allows the actions. A
 * role that may not be read is a note, not an error.
 *
 * @throws MintlineError `aws_unavailable`; `aws_refused` for what is neither a denial nor a role that is missing.
 */
export type ExamineRole = (roleArn: string, actions: readonly RequiredAction[]) => Promise<Examination>

/** @param stopping ends every call, under way or to come, with its reason. */
export function createRoleExaminer(
  place: AwsPlace,
  stopping = new AbortController().signal
): { examine: ExamineRole; destroy(): void } {
  const client = new IAMClient(clientSettings(place))
  const send: Send = request => withinTime(abortSignal => request(client, abortSignal), stopping)
  return {
    async examine(roleArn, actions) {
      const trust = await orDenied(() => findTrust(send, roleArn))
      const permissions = await orDenied(() => findDenied(send, roleArn, actions))
      return {
        drift: [...(trust.found ?? []), ...(permissions.found?.drift ?? [])],
        notes: [...trust.notes, ...permissions.notes, ...(permissions.found?.notes ?? [])]
      }
    },
    destroy: () => client.destroy()
  }
}

type Send = <Reply>(
  request: (client: IAMClient, abortSignal: AbortSignal) => Promise<Reply>
) => Promise<Reply>

async function orDenied<Found>(look: () => Promise<Found>) {
  try {
    return { found: await look(), notes: [] }
  } catch (error) {
    if (isDenial(error)) return { found: undefined, notes: [`Not compared: ${error.detail}`] }
    throw error
  }
}

async function findTrust(send: Send, roleArn: string): Promise<readonly Drift[]> {
  const command = new GetRoleCommand({ RoleName: roleArn.slice(roleArn.lastIndexOf('/') + 1) })
  try {
    const { Role: role } = await send((client, abortSignal) => client.send(command, { abortSignal }))
    const isFound = role?.Arn === undefined || role.Arn === roleArn
    if (!isFound) return [{ field: 'role', expected: roleArn, found: role.Arn ?? 'none' }]
    if (isTrusting(decodeURIComponent(role?.AssumeRolePolicyDocument ?? ''))) return []
    return [
      {
        field: 'role.trust',
        expected: `${iotServicePrincipal} may assume it`,
        found: 'no statement that allows it'
      }
    ]
  } catch (error) {
    if (isAwsError(error, 'NoSuchEntityException') || isAwsError(error, 'NoSuchEntity'))
      return [{ field: 'role', expected: roleArn, found: 'none' }]
    throw awsFailure(error, 'iam:GetRole')
  }
}

async function findDenied(
  send: Send,
  roleArn: string,
  actions: readonly RequiredAction[]
): Promise<Examination> {
  const denied = new Set<string>()
  let marker: string | undefined
  try {
    do {
      const command = new SimulatePrincipalPolicyCommand({
        PolicySourceArn: roleArn,
        ActionNames: actions.map(({ action }) => action),
        Marker: marker
      })
      const reply = await send((client, abortSignal) => client.send(command, { abortSignal }))
      for (const { EvalActionName: action, EvalDecision: decision } of reply.EvaluationResults ?? [])
        if (action !== undefined && decision !== 'allowed') denied.add(action)
      marker = reply.IsTruncated === true ? reply.Marker : undefined
    } while (marker !== undefined)
  } catch (error) {
    // That the role is missing, the reading of its trust has told.
    if (isAwsError(error, 'NoSuchEntityException') || isAwsError(error, 'NoSuchEntity'))
      return { drift: [], notes: [] }
    throw awsFailure(error, 'iam:SimulatePrincipalPolicy')
  }
  const missing = actions.filter(({ action }) => denied.has(action))
  return {
    drift: missing
      .filter(({ isEssential }) => isEssential)
      .map(({ action }) => ({ field: 'role.actions', expected: action, found: 'not allowed' })),
    notes: missing
      .filter(({ isEssential }) => !isEssential)
      .map(({ action, reason }) => `The role does not allow ${action} (${reason}), which AWS may need.`)
  }
}

interface TrustStatement {
  readonly Effect?: unknown
  readonly Action?: unknown
  readonly Principal?: unknown
}

/** Conditions of a statement are not looked at. */
function isTrusting(document: string): boolean {
  const { Statement: statements = [] } = parseObject<{ Statement?: TrustStatement | TrustStatement[] }>(
    document
  )
  return [statements].flat().some(({ Effect: effect, Action: action, Principal: principal }) => {
    const actions = [action].flat().map(name => String(name).toLowerCase())
    return (
      effect === 'Allow' &&
      actions.some(name => ['sts:assumerole', 'sts:*', '*'].includes(name)) &&
      namesIot(principal)
    )
  })
}

function namesIot(principal: unknown): boolean {
  const service = (principal as { Service?: unknown } | null | undefined)?.Service
  return [service].flat().includes(iotServicePrincipal)
}

function parseObject<Shape extends object>(text: string): Partial<Shape> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
