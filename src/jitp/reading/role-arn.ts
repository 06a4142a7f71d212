import { type FindingId, type FindingText, quoted } from '../findings/finding.ts'
import type { JsonObject } from './json-source.ts'
import { pointerTo } from './json-source.ts'
import { kindOf } from './json-value.ts'

type Report = (id: FindingId, text: FindingText) => void

/** Whether the text is the ARN of an IAM role, in any partition. */
export function isRoleArn(text: string): boolean {
  return text.length <= 2048 && /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/.test(text)
}

/**
 * The role beside a template body: `roleArn` in a registration config, `provisioningRoleArn` where the API describes
 * a stored template. Reports and answers undefined if there is none.
 */
export function readRoleArn(config: JsonObject, pointer: string, report: Report): string | undefined {
  const isStoredTemplate = config.provisioningRoleArn !== undefined || config.templateName !== undefined
  const name = isStoredTemplate ? 'provisioningRoleArn' : 'roleArn'
  const roleArn = config[name]
  if (!isStoredTemplate) reportUnknownMembers(config, pointer, report)
  if (roleArn === undefined) {
    report('role-arn-missing', {
      pointer,
      message: `There is no ${name} beside the template body.`,
      expected: name,
      found: 'nothing'
    })
    return undefined
  }
  if (typeof roleArn === 'string' && isRoleArn(roleArn)) return roleArn
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

function reportUnknownMembers(config: JsonObject, pointer: string, report: Report): void {
  for (const name of Object.keys(config)) {
    if (name === 'templateBody' || name === 'roleArn') continue
    const message = `A registration config has no member ${quoted(name)}.`
    const place = pointerTo(pointer, name)
    report('registration-config-member-unknown', {
      pointer: place,
      message,
      expected: 'templateBody, roleArn',
      found: quoted(name)
    })
  }
}
