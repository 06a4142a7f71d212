import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { SignerSettings } from '../signing/signers/open-signer.ts'
import type { KeyStoreLog } from '../signing/signers/pkcs11/supervision/token-process.ts'

/** Where the CA keys are, and how they are asked. */
export function signerSettingsOf(config: Config, log?: KeyStoreLog): SignerSettings {
  const { dataDirectory, caPassphraseFile, maximumWaiting, pkcs11Module, pkcs11PinFile } = config
  const hasToken = pkcs11Module !== undefined && pkcs11PinFile !== undefined
  return {
    keyDirectory: join(dataDirectory, 'authorities'),
    passphraseFile: caPassphraseFile ?? join(dataDirectory, 'ca-passphrase'),
    kms: {
      maximumConcurrent: config.kmsMaximumConcurrent,
      requestTimeoutMs: config.kmsRequestTimeoutMs,
      maximumWaiting
    },
    pkcs11: hasToken
      ? {
          modulePath: pkcs11Module,
          pinFile: pkcs11PinFile,
          sessions: config.pkcs11Sessions,
          callTimeoutMs: config.pkcs11CallTimeoutMs,
          maximumWaiting,
          log
        }
      : undefined
  }
}
