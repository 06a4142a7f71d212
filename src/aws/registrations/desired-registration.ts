/** How a CA is held by AWS IoT; chosen at registration, for good. */
export const certificateModes = ['DEFAULT', 'SNI_ONLY'] as const
export type CertificateMode = (typeof certificateModes)[number]

/** What an administrator asks for, as one version of a registration holds it. */
export interface DesiredRegistration {
  readonly certificateMode: CertificateMode
  /** AWS IoT takes new devices of an ACTIVE CA alone. */
  readonly setAsActive: boolean
  readonly allowAutoRegistration: boolean
  /** Just-in-time provisioning; null for just-in-time registration, where a rule of the account acts. */
  readonly provisioning: DesiredProvisioning | null
}

export interface DesiredProvisioning {
  readonly profile: string
  readonly roleArn: string
  /** A stored template of AWS IoT that carries the body; null where the CA carries it itself. */
  readonly templateName: string | null
}

/** Where and of which CA. There is one registration for each. */
export interface RegistrationPlace {
  /** A profile of the AWS SDK's shared config; empty for the SDK's own chain. */
  readonly accountAlias: string
  readonly region: string
}

/** Everything that AWS IoT is to hold, worked out from what is asked for and the profile's newest version. */
export interface RegistrationTarget {
  readonly certificateMode: CertificateMode
  readonly status: 'ACTIVE' | 'INACTIVE'
  readonly autoRegistration: 'ENABLE' | 'DISABLE'
  readonly provisioning: TargetProvisioning | null
}

export interface TargetProvisioning {
  readonly roleArn: string
  readonly templateName: string | null
  /** What is sent, to the byte. */
  readonly templateBody: string
  /** Lower-case hex SHA-256 of it. */
  readonly templateSha256: string
  readonly profileVersion: number
}

/** What AWS IoT holds, as it was read back. Bodies are told apart by their SHA-256. */
export interface ObservedRegistration {
  readonly certificateMode: string
  readonly status: string
  readonly autoRegistration: string
  readonly roleArn: string | null
  readonly templateSha256: string | null
  readonly templateName: string | null
  /** Of the stored template; null where there is none. */
  readonly templateEnabled: boolean | null
  readonly templateType: string | null
}

/** Where AWS IoT, what the template names there, or the role in IAM differs from what is asked for. */
export interface Drift {
  readonly field: string
  readonly expected: string
  readonly found: string
}

/** What came of looking at something in the account that provisioning needs. */
export interface Examination {
  /** What keeps every device from being provisioned. */
  readonly drift: readonly Drift[]
  /** What can be told besides: what AWS may turn out to need, or what could not be read. */
  readonly notes: readonly string[]
}
