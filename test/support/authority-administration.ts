import type { Authorities } from '../../src/authorities/authority.ts'
import type { AuthorityRequest } from '../../src/authorities/generations/creation.ts'
import { createLines } from '../../src/authorities/lines.ts'
import type { ProfileNeed } from '../../src/authorities/rotation/plan.ts'
import { createAuthorityServices } from '../../src/composition/authority-services.ts'
import type { CoreOverrides } from '../../src/composition/core.ts'
import { signerSettingsOf } from '../../src/composition/signer-settings.ts'
import type { Database } from '../../src/database/database.ts'
import { createTestCore } from './core.ts'

export const act = { actor: 'admin/test', reason: 'a test' }

export interface AdministrationOptions extends Pick<CoreOverrides, 'clock' | 'wrapOpener' | 'wrapStore'> {
  readonly listNeeds?: () => Promise<readonly ProfileNeed[]>
}

/** The administration of authorities as one process has it. The passphrase file must be there. */
export function createTestAdministration(
  database: Database,
  dataDirectory: string,
  { listNeeds = async () => [], ...overrides }: AdministrationOptions = {}
) {
  const core = createTestCore(database, dataDirectory, overrides)
  const listRegistrationGaps = async () => []
  const { administration, creation } = createAuthorityServices(
    { ...core, listNeeds },
    { listRegistrationGaps }
  )
  const { keyDirectory, passphraseFile } = signerSettingsOf(core.config)
  const { authorityStore: store, certificateIntents: intents, authorities } = core
  return { keyDirectory, passphraseFile, store, intents, authorities, administration, creation }
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

/** By line: the code of what keeps it from issuing, undefined where nothing does. */
export async function obstaclesOf(authorities: Authorities, now = new Date()) {
  const states = await createLines(authorities, () => now).judgeAll()
  return Object.fromEntries(states.map(({ line, obstacle }) => [line, obstacle?.code]))
}
