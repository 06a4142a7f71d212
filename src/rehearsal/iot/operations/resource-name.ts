import { IotRefusal } from '../iot-refusal.ts'
import type { Members } from '../wire.ts'

/** The name of a resource that a request gives by its name, by its ARN or by both. Throws `InvalidRequestException`. */
export function nameOf(
  body: Members,
  kind: 'thing' | 'thingGroup' | 'billingGroup',
  arnOf: (name: string) => string
): string {
  const nameMember = `${kind}Name`
  const arnMember = `${kind}Arn`
  const arn = body.optionalText(arnMember)
  const name = body.optionalText(nameMember) ?? arn?.slice(arn.lastIndexOf('/') + 1)
  if (name === undefined || (arn !== undefined && arn !== arnOf(name)))
    throw new IotRefusal('InvalidRequestException', `${nameMember} or ${arnMember} must say which one.`)
  return name
}
