import { basename, join } from 'node:path'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { KmsSettings } from './kms/kms-signer.ts'
import { loadPrivateKey } from './local/key-file.ts'
import { createLocalSigner } from './local/local-signer.ts'
import type { Pkcs11Settings } from './pkcs11/pkcs11-signer.ts'
import { loadPassphrase } from './secret-file.ts'
import type { Signer } from './signer.ts'
import type { LocalReference, SignerReference } from './signer-reference.ts'

export type OpenSigner = (reference: SignerReference) => Promise<Signer>

export interface LocalKeySettings {
  readonly keyDirectory: string
  readonly passphraseFile: string
}

export interface SignerSettings extends LocalKeySettings {
  /** Without it, keys in KMS are refused. */
  readonly kms?: KmsSettings | undefined
  /** Without it, keys on a token are refused. */
  readonly pkcs11?: Pkcs11Settings | undefined
}

/**
 * Opens the signer that a reference names. A kind that is not known is refused. The modules of KMS and PKCS#11 are
 * loaded with the first key of their kind: a service with local keys needs neither.
 */
export function createSignerOpener(settings: SignerSettings): OpenSigner {
  return async reference => {
    switch (reference.kind) {
      case 'local':
        return openLocalSigner(reference, settings)
      case 'kms': {
        if (settings.kms === undefined) throw notConfigured('in AWS KMS')
        const { createKmsSigner } = await import('./kms/kms-signer.ts')
        return createKmsSigner(reference, settings.kms)
      }
      case 'pkcs11': {
        if (settings.pkcs11 === undefined) throw notConfigured('on a PKCS#11 token')
        const { createPkcs11Signer } = await import('./pkcs11/pkcs11-signer.ts')
        return createPkcs11Signer(reference, settings.pkcs11)
      }
      default:
        throw unknownKind()
    }
  }
}

async function openLocalSigner({ keyFile }: LocalReference, settings: LocalKeySettings): Promise<Signer> {
  if (basename(keyFile) !== keyFile) throw unknownKind()
  const passphrase = await loadPassphrase(settings.passphraseFile)
  return createLocalSigner(await loadPrivateKey(join(settings.keyDirectory, keyFile), passphrase))
}

function unknownKind(): MintlineError {
  return new MintlineError(
    'key_unusable',
    'The database names a CA key of a kind that this version does not know.'
  )
}

function notConfigured(where: string): MintlineError {
  return new MintlineError(
    'key_unusable',
    `A CA key is ${where}, and the settings for it are missing. See MINTLINE_KMS_… and MINTLINE_PKCS11_….`
  )
}
