import {
  CreateBillingGroupCommand,
  CreatePolicyCommand,
  CreateThingGroupCommand,
  CreateThingTypeCommand,
  type IoTClient
} from '@aws-sdk/client-iot'
import type { Prediction } from '../../jitp/evaluation/prediction.ts'

/** Lets a device do what a first power-up tries: for policies that the template names and does not hold. */
const namedPolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish', 'iot:Receive', 'iot:Subscribe'], Resource: '*' }
  ]
})

/**
 * Makes what the template expects to find in the account: thing type, groups, billing group, named policies. A real
 * account must have them already.
 *
 * @returns what was made, for the person who reads along.
 */
export async function makePrerequisites(
  iot: IoTClient,
  { thing, policies }: Prediction
): Promise<readonly string[]> {
  const made: string[] = []
  if (thing?.thingTypeName != null) {
    await iot.send(new CreateThingTypeCommand({ thingTypeName: thing.thingTypeName }))
    made.push(`thing type ${thing.thingTypeName}`)
  }
  for (const thingGroupName of thing?.thingGroups ?? []) {
    await iot.send(new CreateThingGroupCommand({ thingGroupName }))
    made.push(`thing group ${thingGroupName}`)
  }
  if (thing?.billingGroup != null) {
    await iot.send(new CreateBillingGroupCommand({ billingGroupName: thing.billingGroup }))
    made.push(`billing group ${thing.billingGroup}`)
  }
  for (const policy of policies) {
    if ('policyDocument' in policy) continue
    await iot.send(
      new CreatePolicyCommand({ policyName: policy.policyName, policyDocument: namedPolicyDocument })
    )
    made.push(`policy ${policy.policyName}, which allows connect, publish, subscribe and receive`)
  }
  return made
}
