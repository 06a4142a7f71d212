import { requireCertified } from '../../../authorities/generations/generation.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { Profiles } from '../../../profiles/profile.ts'
import type { AwsPlace } from '../../iot/place.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import type { DesiredRegistration } from '../desired-registration.ts'
import { type LintInput, type Neighbour, registrationViolations } from './lint.ts'

/** Every registration but those of the place and authority named. */
export async function neighboursOf(
  { store, authorities }: Pick<RegistrationDependencies, 'store' | 'authorities'>,
  place: AwsPlace,
  authorityId: string
): Promise<readonly Neighbour[]> {
  const generations = new Map((await authorities.generations()).map(each => [each.id, each]))
  return (await store.list({ region: place.region })).flatMap(({ desired, ...other }) => {
    const isSelf = other.authorityId === authorityId && other.accountAlias === place.accountAlias
    const generation = generations.get(other.authorityId)
    if (isSelf || generation?.certificateDer == null) return []
    return [{ place: other, desired, authority: requireCertified(generation) }]
  })
}

/** The lines that profiles name. */
export async function issuingLinesOf(profiles: Pick<Profiles, 'list'>): Promise<ReadonlySet<string>> {
  return new Set((await profiles.list()).map(({ document }) => document.authority))
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
