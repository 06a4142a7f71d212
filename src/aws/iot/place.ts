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

/**
 * Regions with AWS IoT Core: AWS General Reference, "AWS IoT Core endpoints and quotas", as of November 2026. New ones come
 * now and then: what is not among them may be one.
 */
const knownRegions: ReadonlySet<string> = new Set(
  `us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-central-1 eu-central-2 eu-west-1 eu-west-2 eu-west-3
  eu-north-1 eu-south-1 eu-south-2 ap-east-1 ap-south-1 ap-south-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
  ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 me-south-1 me-central-1 il-central-1
  af-south-1 cn-north-1 cn-northwest-1 us-gov-east-1 us-gov-west-1`.split(/\s+/)
)

export function isKnownRegion(region: string): boolean {
  return knownRegions.has(region)
}

/** The partition of ARNs in a region. */
export function partitionOf(region: string): string {
  return partitions.find(([pattern]) => pattern.test(region))?.[1] ?? 'aws'
}
