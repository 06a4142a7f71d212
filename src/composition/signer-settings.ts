import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { readModuleEnvironment } from '../config/environment/module-environment.ts'
import type { Database } from '../database/database.ts'
import type { KeyStoreLog } from '../signing/signers/key-store-log.ts'
import type { SignerSettings } from '../signing/signers/open-signer.ts'
import { createPinRecord } from '../signing/signers/pkcs11/pins/pin-record.ts'
import { createPinStore } from '../signing/signers/pkcs11/pins/pin-store.ts'
import type { Pkcs11Settings } from '../signing/signers/pkcs11/pkcs11-signer.ts'

/** Where what is on record of a token's PINs is. */
interface PinKeeping {
  readonly database: Database
  readonly log: KeyStoreLog
}

/**
 * Where the CA keys are, and how they are asked.
 *
 * @param keeping without it no key on a token is opened: a login must be on record. Commands that make local keys have none.
 */
export function signerSettingsOf(config: Config, keeping?: PinKeeping): SignerSettings {
  const { dataDirectory, caPassphraseFile, maximumWaiting } = config
  return {
    keyDirectory: join(dataDirectory, 'authorities'),
    passphraseFile: caPassphraseFile ?? join(dataDirectory, 'ca-passphrase'),
    kms: {
      maximumConcurrent: config.kmsMaximumConcurrent,
      requestTimeoutMs: config.kmsRequestTimeoutMs,
      maximumWaiting
    },
    pkcs11: keeping && pkcs11SettingsOf(config, keeping)
  }
}

function pkcs11SettingsOf(config: Config, { database, log }: PinKeeping): Pkcs11Settings | undefined {
  const { dataDirectory, pkcs11Module, pkcs11PinFile } = config
  if (pkcs11Module === undefined || pkcs11PinFile === undefined) return undefined
  const markKeyFile = join(dataDirectory, 'pin-mark-key')
  return {
    modulePath: pkcs11Module,
    pinFile: pkcs11PinFile,
    sessions: config.pkcs11Sessions,
    callTimeoutMs: config.pkcs11CallTimeoutMs,
    maximumWaiting: config.maximumWaiting,
    environment: readModuleEnvironment(config.pkcs11Environment),
    pins: createPinRecord({ store: createPinStore(database), markKeyFile, log }),
    log
  }
}
