import type { AuthorityStore } from '../../authorities/authority-store.ts'
import { requireCertified } from '../../authorities/generations/generation.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { JobQueue } from '../../jobs/job-queue.ts'
import type { Profiles } from '../../profiles/profile.ts'
import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { AwsAccesses } from '../iot/access.ts'
import type { DesiredRegistration, RegistrationPlace } from './desired-registration.ts'
import { type LintInput, type Neighbour, registrationViolations } from './lint.ts'
import type { RegistrationStore } from './registration-store.ts'
import type { VerificationStore } from './verification/verification-store.ts'

export interface RegistrationDependencies {
  readonly store: RegistrationStore
  readonly verifications: VerificationStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  readonly profiles: Pick<Profiles, 'find' | 'list'>
  readonly openSigner: OpenSigner
  readonly accesses: Pick<AwsAccesses, 'open'>
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/**
 * Every registration but those of the place and authority named.
 */
export async function neighboursOf(
  { store, authorities }: Pick<RegistrationDependencies, 'store' | 'authorities'>,
  place: RegistrationPlace,
  authorityId: string
): Promise<readonly Neighbour[]> {
  const generations = await authorities.generations()
  return (await store.list({ region: place.region })).flatMap(({ desired, ...other }) => {
    const isSelf = other.authorityId === authorityId && other.accountAlias === place.accountAlias
    const generation = generations.find(({ id }) => id === other.authorityId)
    if (isSelf || generation?.certificateDer == null) return []
    return [{ place: other, desired, authority: requireCertified(generation) }]
  })
}

/** @throws MintlineError `aws_registration_invalid` with every broken rule at once. */
export function assertRegistrable(input: LintInput): void {
  const violations = registrationViolations(input)
  if (violations.length === 0) return
  throw new MintlineError(
    'aws_registration_invalid',
    `${input.authority.name} cannot be registered like this: ${violations.map(({ message }) => message).join(' ')}`,
    { violations }
  )
}

/** The line that the profile names, where one is asked for. @throws MintlineError `profile_not_found`. */
export async function profileLineOf(
  profiles: Pick<Profiles, 'find'>,
  { provisioning }: DesiredRegistration
): Promise<string | undefined> {
  return provisioning === null ? undefined : (await profiles.find(provisioning.profile)).document.authority
}
