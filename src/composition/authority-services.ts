import { type AuthorityAdministration, createAuthorityAdministration } from '../authorities/administration.ts'
import { type AuthorityCreation, createAuthorityCreation } from '../authorities/generations/creation.ts'
import {
  type AuthorityRegister,
  createAuthorityRegister,
  type RegisterDependencies
} from '../authorities/register.ts'
import { createKeyProvision } from '../signing/signers/key-provision.ts'
import type { Core } from './core.ts'
import { signerSettingsOf } from './signer-settings.ts'

export interface AuthorityServices {
  readonly creation: AuthorityCreation
  /** All that is asked of authorities from outside. */
  readonly administration: AuthorityAdministration & AuthorityRegister
}

export function createAuthorityServices(
  core: Core,
  { listRegistrationGaps }: Pick<RegisterDependencies, 'listRegistrationGaps'>
): AuthorityServices {
  const { authorities, openSigner, listNeeds, clock, randomBytes } = core
  const stores = { store: core.authorityStore, intents: core.certificateIntents }
  const keys = createKeyProvision(signerSettingsOf(core.config))
  const creation = createAuthorityCreation({ ...stores, keys, openSigner, clock, randomBytes })
  const register = createAuthorityRegister({ ...stores, openSigner, listNeeds, listRegistrationGaps, clock })
  const administration = createAuthorityAdministration({
    ...stores,
    authorities,
    creation,
    openSigner,
    clock,
    randomBytes
  })
  return { creation, administration: { ...register, ...administration } }
}
