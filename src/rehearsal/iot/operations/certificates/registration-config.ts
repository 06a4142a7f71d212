import { IotRefusal } from '../../iot-refusal.ts'
import type { RegistrationConfig } from '../../records.ts'
import type { Members } from '../../wire.ts'

const templateBodyMaximum = 10_240
const roleArnForm = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/

/** Undefined when the request has none. Throws `InvalidRequestException` unless it is a body with a role, or a name. */
export function parseRegistrationConfig(body: Members): RegistrationConfig | undefined {
  const config = body.optionalObject('registrationConfig')
  if (config === undefined) return undefined
  const templateName = config.optionalText('templateName', 36)
  const hasBody = config.optionalText('templateBody', templateBodyMaximum) !== undefined
  if (hasBody === (templateName !== undefined))
    throw new IotRefusal(
      'InvalidRequestException',
      'registrationConfig has a templateBody or a templateName.'
    )
  if (templateName === undefined)
    return { templateBody: parseTemplateBody(config), roleArn: parseRoleArn(config, 'roleArn') }
  if (config.optionalText('roleArn') !== undefined)
    throw new IotRefusal('InvalidRequestException', 'A template with a name brings its role with it.')
  return { templateName }
}

/** JSON in a string. What the template says is looked at when a device meets it. */
export function parseTemplateBody(members: Members): string {
  const templateBody = members.text('templateBody', templateBodyMaximum)
  try {
    const template: unknown = JSON.parse(templateBody)
    if (typeof template === 'object' && template !== null && !Array.isArray(template)) return templateBody
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new IotRefusal('InvalidRequestException', 'templateBody is not a JSON object in a string.')
}

export function parseRoleArn(members: Members, name: string): string {
  const roleArn = members.text(name, 2048)
  if (roleArn.length >= 20 && roleArnForm.test(roleArn)) return roleArn
  throw new IotRefusal('InvalidRequestException', `${name} is not the ARN of a role.`)
}
