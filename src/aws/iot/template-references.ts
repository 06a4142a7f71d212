import {
  DescribeBillingGroupCommand,
  DescribeThingGroupCommand,
  DescribeThingTypeCommand,
  GetPolicyCommand,
  type IoTClient
} from '@aws-sdk/client-iot'
import type { ReferenceKind, TemplateReference } from '../../jitp/template/references.ts'

/** `deprecated`: a thing type that no new thing may have. `dynamic`: a group that chooses its things by a query. */
export type ReferenceState = 'usable' | 'deprecated' | 'dynamic'

export const referenceOperations = {
  thingType: 'DescribeThingType',
  thingGroup: 'DescribeThingGroup',
  billingGroup: 'DescribeBillingGroup',
  policy: 'GetPolicy'
} as const satisfies Readonly<Record<ReferenceKind, string>>

/** Asks AWS IoT for one of them. Rejects as the SDK does, with ResourceNotFoundException where there is none. */
export async function describeReference(
  client: IoTClient,
  { kind, name }: TemplateReference,
  abortSignal: AbortSignal
): Promise<ReferenceState> {
  switch (kind) {
    case 'thingType': {
      const command = new DescribeThingTypeCommand({ thingTypeName: name })
      const { thingTypeMetadata } = await client.send(command, { abortSignal })
      return thingTypeMetadata?.deprecated === true ? 'deprecated' : 'usable'
    }
    case 'thingGroup': {
      const command = new DescribeThingGroupCommand({ thingGroupName: name })
      const { queryString } = await client.send(command, { abortSignal })
      return queryString === undefined ? 'usable' : 'dynamic'
    }
    case 'billingGroup':
      await client.send(new DescribeBillingGroupCommand({ billingGroupName: name }), { abortSignal })
      return 'usable'
    case 'policy':
      await client.send(new GetPolicyCommand({ policyName: name }), { abortSignal })
      return 'usable'
  }
}
