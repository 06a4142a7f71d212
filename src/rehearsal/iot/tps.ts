import { IotRefusal } from './iot-refusal.ts'
import type { OperationName } from './operations/operations.ts'

/** Calls per second, for each operation that has a limit. */
export type TpsLimits = Readonly<Partial<Record<OperationName, number>>>

/**
 * The quotas of an account in one of the larger regions (AWS General Reference, "AWS IoT Core endpoints and quotas").
 * @internal A test runs the stand-in by them; a rehearsal need not be as slow as AWS.
 */
export const awsTpsLimits: TpsLimits = {
  ...limit(
    10,
    'RegisterCACertificate',
    'UpdateCACertificate',
    'DescribeCACertificate',
    'DeleteCACertificate',
    'ListCACertificates',
    'ListCertificatesByCA',
    'RegisterCertificate',
    'RegisterCertificateWithoutCA',
    'UpdateCertificate',
    'DescribeCertificate',
    'DeleteCertificate',
    'GetRegistrationCode',
    'DeleteRegistrationCode',
    'CreatePolicy',
    'GetPolicy',
    'ListThings',
    'DescribeEndpoint',
    'RegisterThing',
    'UpdateThingGroupsForThing',
    'CreateProvisioningTemplate',
    'DescribeProvisioningTemplate',
    'UpdateProvisioningTemplate',
    'DeleteProvisioningTemplate'
  ),
  ...limit(15, 'AttachPolicy', 'DetachPolicy', 'ListAttachedPolicies', 'CreateThingType'),
  ...limit(20, 'ListThingPrincipals', 'ListThingPrincipalsV2'),
  ...limit(25, 'CreateThingGroup'),
  ...limit(60, 'AddThingToBillingGroup'),
  ...limit(
    100,
    'CreateThing',
    'UpdateThing',
    'DeleteThing',
    'AttachThingPrincipal',
    'DetachThingPrincipal',
    'DescribeThingType',
    'ListThingGroupsForThing',
    'AddThingToThingGroup',
    'DescribeThingGroup'
  ),
  ...limit(350, 'DescribeThing')
}

function limit(tps: number, ...names: OperationName[]): TpsLimits {
  return Object.fromEntries(names.map(name => [name, tps]))
}

export interface TpsLimiter {
  /** Throws `ThrottlingException` when the account has used up the calls of the operation in the region. */
  take(account: { readonly accountId: string; readonly region: string }, operation: OperationName): void
}

/**
 * A token bucket for each account, region and operation: full at first, as large as one second's calls.
 *
 * @param clock in milliseconds.
 */
export function createTpsLimiter(limits: TpsLimits, clock: () => number): TpsLimiter {
  const buckets = new Map<string, { readonly tokens: number; readonly at: number }>()
  return {
    take({ accountId, region }, operation) {
      const tps = limits[operation]
      if (tps === undefined) return
      const key = `${accountId}/${region}/${operation}`
      const now = clock()
      const { tokens, at } = buckets.get(key) ?? { tokens: tps, at: now }
      const filled = Math.min(tps, tokens + ((now - at) / 1000) * tps)
      const isOver = filled < 1
      buckets.set(key, { tokens: isOver ? filled : filled - 1, at: now })
      if (isOver) throw new IotRefusal('ThrottlingException', 'Rate exceeded')
    }
  }
}
