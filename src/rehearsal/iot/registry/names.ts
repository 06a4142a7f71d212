import { IotRefusal } from '../iot-refusal.ts'

const thingLike = /^[a-zA-Z0-9:_-]{1,128}$/

const forms = {
  thingName: thingLike,
  thingTypeName: thingLike,
  thingGroupName: thingLike,
  billingGroupName: thingLike,
  policyName: /^[\w+=,.@-]{1,128}$/,
  templateName: /^[0-9A-Za-z_-]{1,36}$/
} as const

/** Throws `InvalidRequestException` when AWS would not take the name. */
export function assertName(kind: keyof typeof forms, name: string): void {
  if (forms[kind].test(name)) return
  throw new IotRefusal('InvalidRequestException', `${kind} "${name}" must satisfy ${forms[kind].source}`)
}

const attributeName = /^[a-zA-Z0-9_.,@/:#-]{1,128}$/
const attributeValue = /^[a-zA-Z0-9_.,@/:#=[\]-]{0,800}$/
const attributesMaximumBytes = 47 * 1024

/**
 * Throws `InvalidRequestException`.
 *
 * @param maximumCount 3 for a thing without a thing type, 50 for others.
 */
export function assertAttributes(attributes: Readonly<Record<string, string>>, maximumCount: number): void {
  const entries = Object.entries(attributes)
  const wrong = entries.find(([name, value]) => !(attributeName.test(name) && attributeValue.test(value)))
  if (wrong !== undefined)
    throw new IotRefusal('InvalidRequestException', `The attribute "${wrong[0]}" or its value is not valid.`)
  if (entries.length > maximumCount)
    throw new IotRefusal('InvalidRequestException', `There are more than ${maximumCount} attributes.`)
  if (entries.flat().join('').length > attributesMaximumBytes)
    throw new IotRefusal('InvalidRequestException', 'The attributes are longer than 47 KB.')
}
