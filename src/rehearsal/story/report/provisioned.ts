import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  GetPolicyCommand,
  type IoTClient,
  ListAttachedPoliciesCommand,
  ListPrincipalThingsCommand,
  ListThingGroupsForThingCommand
} from '@aws-sdk/client-iot'
import type { Provisioned } from './comparison.ts'

/** Asks AWS IoT what it holds of a device, as its owner would. */
export async function readProvisioned(iot: IoTClient, certificateId: string): Promise<Provisioned> {
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }))
  const principal = certificateDescription?.certificateArn
  const { things = [] } = await iot.send(new ListPrincipalThingsCommand({ principal }))
  const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: principal }))
  const [thingName] = things
  return {
    ...(await readThing(iot, thingName)),
    certificateStatus: certificateDescription?.status ?? 'absent',
    policies: await Promise.all(policies.map(({ policyName }) => readPolicy(iot, policyName)))
  }
}

async function readThing(iot: IoTClient, thingName: string | undefined) {
  if (thingName === undefined)
    return { thingName: null, attributes: {}, thingTypeName: null, thingGroups: [], billingGroup: null }
  const thing = await iot.send(new DescribeThingCommand({ thingName }))
  const { thingGroups = [] } = await iot.send(new ListThingGroupsForThingCommand({ thingName }))
  return {
    thingName,
    attributes: thing.attributes ?? {},
    thingTypeName: thing.thingTypeName ?? null,
    thingGroups: thingGroups.flatMap(({ groupName }) => groupName ?? []),
    billingGroup: thing.billingGroupName ?? null
  }
}

async function readPolicy(iot: IoTClient, policyName: string | undefined) {
  const policy = await iot.send(new GetPolicyCommand({ policyName }))
  return { policyName: policy.policyName ?? '', policyDocument: policy.policyDocument ?? '' }
}
