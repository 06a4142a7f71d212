/** An account and a region of AWS IoT, which hold a CA by itself. */
export interface AwsPlace {
  /** A profile of the AWS SDK's shared config; empty for the SDK's own chain. */
  readonly accountAlias: string
  readonly region: string
}

const partitions: readonly (readonly [RegExp, string])[] = [
  [/^cn-/, 'aws-cn'],
  [/^us-gov-/, 'aws-us-gov'],
  [/^us-isob-/, 'aws-iso-b'],
  [/^us-iso-/, 'aws-iso'],
  [/^us-isof-/, 'aws-iso-f'],
  [/^eu-isoe-/, 'aws-iso-e'],
  [/^eusc-/, 'aws-eusc']
]

/** The partition of ARNs in a region. */
export function partitionOf(region: string): string {
  return partitions.find(([pattern]) => pattern.test(region))?.[1] ?? 'aws'
}
