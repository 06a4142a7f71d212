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

/**
 * JSON in a string. AWS IoT looks at little of what the template says, and the stand-in at what was seen of that: the
 * resources must be there, and a policy must have a name or a document. The rest shows when a device meets it.
 */
export function parseTemplateBody(members: Members): string {
  const templateBody = members.text('templateBody', templateBodyMaximum)
  const template = parseObject(templateBody)
  if (template === undefined)
    throw invalidTemplate('Template format error: it is not a JSON object in a string.')
  const { Resources: resources } = template
  if (!isObject(resources)) throw invalidTemplate('No resources are present in the template.')
  if (Object.values(resources).some(isEmptyPolicy))
    throw invalidTemplate('Neither policyName nor policyDocument is present in the template.')
  return templateBody
}

function isEmptyPolicy(resource: unknown): boolean {
  if (!isObject(resource) || resource['Type'] !== 'AWS::IoT::Policy') return false
  const { Properties: properties } = resource
  const isThere = (value: unknown) => value !== undefined && value !== null && value !== ''
  return !(
    isObject(properties) &&
    (isThere(properties['PolicyName']) || isThere(properties['PolicyDocument']))
  )
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidTemplate(what: string): IotRefusal {
  return new IotRefusal('InvalidRequestException', `Invalid registration template. ${what}`)
}

export function parseRoleArn(members: Members, name: string): string {
  const roleArn = members.text(name, 2048)
  if (roleArn.length >= 20 && roleArnForm.test(roleArn)) return roleArn
  throw new IotRefusal('InvalidRequestException', `${name} is not the ARN of a role.`)
}
