import type { RegistrationDependencies } from '../aws/registrations/dependencies.ts'
import { createRegistrationStore } from '../aws/registrations/registration-store.ts'
import { createVerificationStore } from '../aws/registrations/verification/verification-store.ts'
import type { Core } from './core.ts'

/** What both who asks for registrations with AWS IoT and who brings them about need. */
export function createRegistrationParts(core: Core): Omit<RegistrationDependencies, 'accesses' | 'jobs'> {
  const { database, authorityStore, profiles, openSigner, clock, randomBytes } = core
  return {
    store: createRegistrationStore(database),
    verifications: createVerificationStore(database),
    authorities: authorityStore,
    profiles,
    openSigner,
    clock,
    randomBytes
  }
}
