import { type FindingId, type FindingText, quoted } from '../findings/finding.ts'
import { isCloudFormationCall } from './forms/cloudformation-value.ts'
import type { TemplateHolder } from './forms/holder.ts'
import { pointerTo } from './json/source.ts'
import { kindOf } from './json/value.ts'

type RoleHolder = Pick<TemplateHolder, 'members' | 'pointer' | 'roleArn' | 'body'>
type Report = (id: FindingId, text: FindingText) => void

/** Whether the text is the ARN of an IAM role, in any partition. */
export function isRoleArn(text: string): boolean {
  return text.length <= 2048 && /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/.test(text)
}

/**
 * The role beside a template body. Reports and answers undefined if there is none; what another tool is still to fill in
 * is no mistake.
 */
export function readRoleArn(
  { members, pointer, roleArn: name, body }: RoleHolder,
  report: Report
): string | undefined {
  if (name === undefined) return undefined
  const roleArn = members[name]
  if (roleArn === undefined || roleArn === null) {
    report('role-arn-missing', {
      pointer,
      message: `There is no ${name} beside the ${body}.`,
      expected: name,
      found: 'nothing'
    })
    return undefined
  }
  if (typeof roleArn === 'string' && isRoleArn(roleArn)) return roleArn
  if (isCloudFormationCall(roleArn)) return undefined
  const found = typeof roleArn === 'string' ? quoted(roleArn) : kindOf(roleArn)
  const message = `${found} is not the ARN of a role.`
  report('role-arn-invalid', {
    pointer: pointerTo(pointer, name),
    message,
    expected: 'arn:aws:iam::<12 digits>:role/<name>',
    found
  })
  return undefined
}
