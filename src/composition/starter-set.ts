import { createStarterSet } from '../starter/starter.ts'
import { createStarterStore } from '../starter/starter-store.ts'
import type { Core } from './core.ts'
import { signerSettingsOf } from './signer-settings.ts'

/** Where the settings ask for it. @returns whether it was made: an empty database gets it, once. */
export async function makeStarterSet({
  config,
  database,
  certificateIntents,
  clock,
  randomBytes
}: Core): Promise<boolean> {
  if (!config.starter) return false
  return createStarterSet({
    store: createStarterStore(database),
    intents: certificateIntents,
    dataDirectory: config.dataDirectory,
    ...signerSettingsOf(config),
    makePassphrase: config.caPassphraseFile === undefined,
    clock,
    randomBytes
  })
}
