import { join } from 'node:path'
import { createAuthorityAdministration } from '../../src/authorities/administration.ts'
import { createAuthorities } from '../../src/authorities/authority.ts'
import { createAuthorityStore } from '../../src/authorities/authority-store.ts'
import { createCertificateIntentStore } from '../../src/authorities/certificates/certificate-intent-store.ts'
import { type AuthorityRequest, createAuthorityCreation } from '../../src/authorities/generations/creation.ts'
import { createAuthorityRegister } from '../../src/authorities/register.ts'
import type { ProfileNeed } from '../../src/authorities/rotation/plan.ts'
import type { Database } from '../../src/database/database.ts'
import { createKeyProvision } from '../../src/signing/signers/key-provision.ts'
import { createSignerOpener, type OpenSigner } from '../../src/signing/signers/open-signer.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'

export const act = { actor: 'admin/test', reason: 'a test' }

export interface AdministrationOptions {
  readonly listNeeds?: () => Promise<readonly ProfileNeed[]>
  readonly clock?: () => Date
  readonly wrapOpener?: (open: OpenSigner) => OpenSigner
  /** Gets each store. */
  readonly wrapStore?: <Store extends object>(store: Store) => Store
}

/** The administration of authorities as one process has it. The passphrase file must be there. */
export function createTestAdministration(
  database: Database,
  dataDirectory: string,
  {
    listNeeds = async () => [],
    clock = () => new Date(),
    wrapOpener = open => open,
    wrapStore = store => store
  }: AdministrationOptions = {}
) {
  const settings = {
    keyDirectory: join(dataDirectory, 'authorities'),
    passphraseFile: join(dataDirectory, 'ca-passphrase')
  }
  const store = wrapStore(createAuthorityStore(database))
  const intents = wrapStore(createCertificateIntentStore(database))
  const openSigner = wrapOpener(createSignerOpener(settings))
  const authorities = createAuthorities({ store, openSigner })
  const randomBytes = createRandomSource()
  const keys = createKeyProvision(settings)
  const creation = createAuthorityCreation({ store, intents, keys, openSigner, clock, randomBytes })
  const administration = {
    ...createAuthorityRegister({
      store,
      intents,
      openSigner,
      listNeeds,
      listRegistrationGaps: async () => [],
      clock
    }),
    ...createAuthorityAdministration({
      store,
      intents,
      authorities,
      creation,
      openSigner,
      clock,
      randomBytes
    })
  }
  return { ...settings, store, intents, authorities, administration, creation }
}

export function selfSigned(line: string, change: Partial<AuthorityRequest> = {}): AuthorityRequest {
  return {
    line,
    key: { kind: 'local', keyType: 'P-256' },
    subject: { Organization: 'Acme', CommonName: `${line} CA` },
    certificate: { kind: 'self-signed', days: 9125 },
    ...change
  }
}
