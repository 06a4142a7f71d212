import { isDeepStrictEqual } from 'node:util'
import type { Prediction } from '../../../jitp/evaluation/prediction.ts'

/** What AWS IoT, or its stand-in, holds of a device after its first power-up. */
export interface Provisioned {
  readonly thingName: string | null
  readonly attributes: Readonly<Record<string, string>>
  readonly thingTypeName: string | null
  readonly thingGroups: readonly string[]
  readonly billingGroup: string | null
  readonly certificateStatus: string
  readonly policies: readonly { readonly policyName: string; readonly policyDocument: string }[]
}

/** One line of the comparison. */
export interface Compared {
  readonly what: string
  readonly predicted: unknown
  readonly found: unknown
  readonly isEqual: boolean
}

/** Holds what pre-flight predicted against what came of it. The order of groups and policies says nothing. */
export function compareWithPrediction(
  { thing, certificate, policies }: Prediction,
  provisioned: Provisioned
): readonly Compared[] {
  const sorted = (values: readonly string[]) => [...values].sort()
  return [
    compare('thing', thing?.thingName ?? null, provisioned.thingName),
    compare('attributes', thing?.attributes ?? {}, provisioned.attributes),
    compare('thing type', thing?.thingTypeName ?? null, provisioned.thingTypeName),
    compare('thing groups', sorted(thing?.thingGroups ?? []), sorted(provisioned.thingGroups)),
    compare('billing group', thing?.billingGroup ?? null, provisioned.billingGroup),
    compare('certificate status', certificate.status, provisioned.certificateStatus),
    ...comparePolicies(policies, provisioned.policies)
  ]
}

function comparePolicies(
  predicted: Prediction['policies'],
  found: Provisioned['policies']
): readonly Compared[] {
  const left = [...found]
  const compared = predicted.map((policy, index) => {
    const match = left.findIndex(({ policyName, policyDocument }) =>
      'policyDocument' in policy
        ? policyDocument === policy.policyDocument && [null, policyName].includes(policy.predictedName)
        : policyName === policy.policyName
    )
    const [taken] = match < 0 ? [] : left.splice(match, 1)
    const describe = 'policyDocument' in policy ? policy.policyDocument : policy.policyName
    const shown = 'policyDocument' in policy ? taken?.policyDocument : taken?.policyName
    return compare(`policy ${index + 1}`, describe, shown ?? null)
  })
  const surplus = left.map(({ policyName }) => compare('policy nobody predicted', null, policyName))
  return [...compared, ...surplus]
}

function compare(what: string, predicted: unknown, found: unknown): Compared {
  return { what, predicted, found, isEqual: isDeepStrictEqual(predicted, found) }
}
