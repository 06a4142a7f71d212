/** How a CA is held by AWS IoT; chosen at registration, for good. */
export const certificateModes = ['DEFAULT', 'SNI_ONLY'] as const
export type CertificateMode = (typeof certificateModes)[number]

/** Everything that AWS IoT is to hold of a CA, to the byte. */
export interface TargetRegistration {
  readonly certificateMode: CertificateMode
  readonly status: 'ACTIVE' | 'INACTIVE'
  readonly autoRegistration: 'ENABLE' | 'DISABLE'
  readonly provisioning: TargetProvisioning | null
}

export interface TargetProvisioning {
  readonly roleArn: string
  readonly templateName: string | null
  /** Whether a stored template that Mintline did not make may be taken over. */
  readonly mayAdopt: boolean
  readonly profile: string
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
