import type { StoredGeneration } from '../../authorities/authority-store.ts'
import { certificateIdHex } from '../../pki/certificate/certificate.ts'
import type { ObservedRegistration } from '../iot/ca-registration.ts'
import type { Drift } from '../iot/examination.ts'
import { partitionOf } from '../iot/place.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import type { LastError, StoredRegistration } from './registration-store.ts'
import type { RegistrationStep } from './runs/step.ts'

/**
 * - `pending`: what was asked for last is still to be done.
 * - `registered`: at the last look AWS held what is asked for.
 * - `drifted`: it did not.
 * - `blocked`: AWS holds what it held before, since what is asked for now would not work there; `lastError` says why.
 * - `failed`: it could not be done; `lastError` says why.
 */
export const registrationStates = ['pending', 'registered', 'drifted', 'blocked', 'failed'] as const
export type RegistrationState = (typeof registrationStates)[number]

/** A registration as administrators and auditors see it. */
export interface RegistrationView {
  readonly id: string
  /** Name of the generation. */
  readonly authority: string
  readonly region: string
  /** Undefined for the SDK's own chain. */
  readonly accountAlias: string | undefined
  /** Of what is asked for, from 1. */
  readonly version: number
  readonly desired: DesiredRegistration
  readonly state: RegistrationState
  /** Of the profile, as AWS was brought to it. */
  readonly profileVersion: number | undefined
  readonly awsAccountId: string | undefined
  /** What AWS IoT calls it: lower-case hex SHA-256 of the DER. */
  readonly caCertificateId: string
  /** To search the console and CloudTrail with; empty before the account is known. */
  readonly arns: readonly string[]
  /** Where AWS IoT publishes new devices in just-in-time registration. */
  readonly registeredTopic: string | undefined
  readonly observed: ObservedRegistration | undefined
  readonly drift: readonly Drift[]
  readonly lastError: LastError | undefined
  readonly checkedAt: Date | undefined
  readonly createdAt: Date
  readonly changedAt: Date
  readonly changedBy: string
}

/** One registration with all that was done about it, oldest first. */
export interface RegistrationReport extends RegistrationView {
  readonly steps: readonly RegistrationStep[]
}

/** What is known is of one version of what is asked for; of a newer one nothing is known yet. */
export function stateOf({ state, version }: StoredRegistration): RegistrationState {
  return state === undefined || state.version !== version ? 'pending' : state.state
}

export function describeRegistration(
  stored: StoredRegistration,
  { name, certificateDer }: StoredGeneration
): RegistrationView {
  const { id, region, accountAlias, version, desired, state, createdAt, changedAt, changedBy } = stored
  const caCertificateId = certificateDer === null ? '' : certificateIdHex(certificateDer)
  const awsAccountId = state?.awsAccountId ?? undefined
  return {
    id,
    authority: name,
    region,
    accountAlias: accountAlias === '' ? undefined : accountAlias,
    version,
    desired,
    state: stateOf(stored),
    profileVersion: state?.profileVersion ?? undefined,
    awsAccountId,
    caCertificateId,
    arns: awsAccountId === undefined ? [] : arnsOf(stored, awsAccountId, caCertificateId),
    registeredTopic:
      desired.provisioning === null ? `$aws/events/certificates/registered/${caCertificateId}` : undefined,
    observed: state?.observed ?? undefined,
    drift: state?.drift ?? [],
    lastError: state?.lastError ?? undefined,
    checkedAt: state?.checkedAt,
    createdAt,
    changedAt,
    changedBy
  }
}

function arnsOf(
  { region, desired: { provisioning } }: StoredRegistration,
  accountId: string,
  caCertificateId: string
): readonly string[] {
  const prefix = `arn:${partitionOf(region)}:iot:${region}:${accountId}:`
  if (provisioning === null) return [`${prefix}cacert/${caCertificateId}`]
  const { templateName, roleArn } = provisioning
  const template = templateName === null ? [] : [`${prefix}provisioningtemplate/${templateName}`]
  return [`${prefix}cacert/${caCertificateId}`, ...template, roleArn]
}
