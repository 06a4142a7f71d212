import type { CertificateMode } from '../iot/ca-registration.ts'

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
  /** That a stored template of that name is taken over although Mintline did not make it. */
  readonly adopt?: true
  /** That this account and region gets a newer version of the profile first. */
  readonly canary?: true
}
