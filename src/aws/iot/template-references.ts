import {
  DescribeBillingGroupCommand,
  DescribeThingGroupCommand,
  DescribeThingTypeCommand,
  GetPolicyCommand,
  type IoTClient
} from '@aws-sdk/client-iot'
import { isDenial } from '../../aws-client/failure.ts'
import type { ReferenceKind, TemplateReference } from '../../jitp/template/references.ts'
import type { Drift, Examination } from './examination.ts'
import type { IotControl } from './iot-control.ts'

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

/**
 * Looks up everything that the template names in the account and region. What is missing or of no use is drift: every
 * device stays pending. What may not be read is a note.
 *
 * @throws MintlineError `aws_unavailable`; `aws_refused` for what is not a denial.
 */
export async function examineReferences(
  iot: Pick<IotControl, 'describeReference'>,
  references: readonly TemplateReference[]
): Promise<Examination> {
  const drift: Drift[] = []
  const notes = new Set<string>()
  for (const reference of references) {
    try {
      const state = (await iot.describeReference(reference)) ?? 'none'
      if (state !== 'usable')
        drift.push({ field: `template.${reference.kind}`, expected: reference.name, found: state })
    } catch (error) {
      if (!isDenial(error)) throw error
      notes.add(`${reference.kind} ${reference.name} was not looked up: ${error.detail}`)
    }
  }
  return { drift, notes: [...notes] }
}
