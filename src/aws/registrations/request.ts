import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { CertificateMode } from '../iot/ca-registration.ts'
import type { DesiredProvisioning, DesiredRegistration } from './desired-registration.ts'

/** What an administrator posts: with a profile and a role for just-in-time provisioning, with neither for registration. */
export interface RegistrationRequest {
  readonly region: string
  /** A profile of the SDK's shared config; without it, the SDK's own chain. */
  readonly accountAlias?: string | undefined
  readonly certificateMode: CertificateMode
  readonly setAsActive: boolean
  readonly allowAutoRegistration: boolean
  readonly profile?: string | undefined
  readonly roleArn?: string | undefined
  readonly templateName?: string | undefined
  readonly adopt?: boolean | undefined
  readonly canary?: boolean | undefined
}

/** @throws MintlineError `aws_registration_invalid` when members that belong together are not together. */
export function desiredOf(request: RegistrationRequest): DesiredRegistration {
  const { certificateMode, setAsActive, allowAutoRegistration } = request
  return { certificateMode, setAsActive, allowAutoRegistration, provisioning: provisioningOf(request) }
}

function provisioningOf({
  profile,
  roleArn,
  templateName,
  adopt = false,
  canary = false
}: RegistrationRequest): DesiredProvisioning | null {
  const violations: Violation[] = []
  const missing = (pointer: string, other: string) =>
    violations.push({
      pointer,
      expected: `it beside ${other}`,
      found: 'nothing',
      message:
        'Give profile and roleArn for just-in-time provisioning, or neither for just-in-time registration.'
    })
  if (profile === undefined && roleArn !== undefined) missing('/profile', 'roleArn')
  if (roleArn === undefined && profile !== undefined) missing('/roleArn', 'profile')
  if (profile === undefined && templateName !== undefined) missing('/profile', 'templateName')
  if (templateName === undefined && adopt) missing('/templateName', 'adopt')
  if (profile === undefined && canary) missing('/profile', 'canary')
  if (violations.length > 0) {
    const detail = 'Members that belong together are not together.'
    throw new MintlineError('aws_registration_invalid', detail, { violations })
  }
  if (profile === undefined || roleArn === undefined) return null
  return {
    profile,
    roleArn,
    templateName: templateName ?? null,
    ...(adopt && { adopt }),
    ...(canary && { canary })
  }
}
