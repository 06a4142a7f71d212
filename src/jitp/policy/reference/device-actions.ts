import { controlPlaneActions } from './control-plane-actions.ts'

/** A kind of resource that a device is judged by, as it stands in an ARN: `client/…`. */
export type ResourceType = 'client' | 'topic' | 'topicfilter' | 'thing' | 'rolealias'

/** An action that AWS IoT asks a device's policies about. */
export interface DeviceAction {
  /** With its service, as AWS spells it. */
  readonly name: string
  /** Empty where the action has none, and is allowed on `*` alone. */
  readonly resourceTypes: readonly ResourceType[]
}

/** Messages and connections, shadows, jobs over HTTPS, and the credentials provider. */
const tables: readonly (readonly [names: string, resourceTypes: readonly ResourceType[]])[] = [
  ['iot:Connect iot:DeleteConnection iot:GetConnection iot:ListSubscriptions', ['client']],
  ['iot:SendDirectMessage', ['client']],
  ['iot:Publish iot:RetainPublish iot:Receive iot:GetRetainedMessage', ['topic']],
  ['iot:Subscribe', ['topicfilter']],
  ['iot:ListRetainedMessages', []],
  ['iot:GetThingShadow iot:UpdateThingShadow iot:DeleteThingShadow', ['thing']],
  ['iot:ListNamedShadowsForThing', ['thing']],
  ['iotjobsdata:DescribeJobExecution iotjobsdata:GetPendingJobExecutions', ['thing']],
  ['iotjobsdata:StartNextPendingJobExecution iotjobsdata:UpdateJobExecution', ['thing']],
  // Older editions of the guide name the same four without a service of their own.
  ['iot:DescribeJobExecution iot:GetPendingJobExecutions', ['thing']],
  ['iot:StartNextPendingJobExecution iot:UpdateJobExecution', ['thing']],
  ['iot:AssumeRoleWithCertificate', ['rolealias']]
]

/**
 * What the policy of a certificate can allow a device, by name in lower case: actions are matched without regard to
 * case.
 *
 * AWS IoT Core Developer Guide, "AWS IoT Core policy actions", "AWS IoT Core action resources" and "Authorizing direct
 * calls to AWS services using AWS IoT Core credential provider"; Service Authorization Reference, "AWS IoT" and "AWS
 * IoT Jobs DataPlane", as of November 2026.
 */
export const deviceActions: ReadonlyMap<string, DeviceAction> = new Map(
  tables.flatMap(([names, resourceTypes]) =>
    names.split(' ').map(name => [name.toLowerCase(), { name, resourceTypes }] as const)
  )
)

export const resourceTypes: readonly ResourceType[] = ['client', 'topic', 'topicfilter', 'thing', 'rolealias']

/** Services whose devices are judged by policies of AWS IoT, though their actions are not in this table. */
export const otherDeviceServices: readonly string[] = ['greengrass']

/** Every action of AWS IoT, those for devices first, so that the nearest of several is one of these. */
export const iotActionNames: readonly string[] = [
  ...[...deviceActions.values()].map(({ name }) => name),
  ...controlPlaneActions.map(name => `iot:${name}`)
]
