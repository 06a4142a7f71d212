import { IotRefusal } from '../iot-refusal.ts'
import { assertRoleAllows } from '../provisioning/role-permission.ts'
import type { RoleRecord } from '../records.ts'

const statement = (members: object) => JSON.stringify({ Statement: [{ Effect: 'Allow', ...members }] })
const trustInIot = statement({ Principal: { Service: 'iot.amazonaws.com' }, Action: 'sts:AssumeRole' })
const everything = statement({ Action: '*', Resource: '*' })

/**
 * What the role's policies say of an action, decided as just-in-time provisioning decides it. Who may assume the role
 * does not count here.
 */
export function simulateAction(
  role: RoleRecord,
  action: string
): 'allowed' | 'implicitDeny' | 'explicitDeny' {
  if (isAllowed(role, action)) return 'allowed'
  // What stays refused beside a policy that allows everything is denied in so many words.
  const policies = { ...role.policies, '': everything }
  return isAllowed({ ...role, policies }, action) ? 'implicitDeny' : 'explicitDeny'
}

function isAllowed(role: RoleRecord, action: string): boolean {
  try {
    assertRoleAllows(role.roleArn, { ...role, assumeRolePolicyDocument: trustInIot }, [action])
    return true
  } catch (error) {
    if (error instanceof IotRefusal) return false
    throw error
  }
}
