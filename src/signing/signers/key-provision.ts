import { type KeyObject, randomBytes } from 'node:crypto'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { encryptPrivateKey, writeSecretFile } from './local/key-file.ts'
import { generateLocalKey, type LocalKeyType } from './local/local-key.ts'
import type { LocalKeySettings } from './open-signer.ts'
import { loadPassphrase } from './secret-file.ts'
import type { LocalReference, SignerReference } from './signer-reference.ts'

/** A key to be made here, or one that is in KMS or on a token already. */
export type KeyRequest =
  { readonly kind: 'local'; readonly keyType: LocalKeyType } | Exclude<SignerReference, LocalReference>

export interface ProvidedKey {
  readonly reference: SignerReference
  /** Takes back what was made here, when nothing came of the authority. */
  discard(): Promise<void>
}

export interface KeyProvision {
  /** Makes the key, or names the one that is there. */
  provide(request: KeyRequest, authorityName: string): Promise<ProvidedKey>
  /** Keeps a private key from elsewhere, encrypted with the passphrase of the service. */
  keep(privateKey: KeyObject, authorityName: string): Promise<ProvidedKey>
}

export function createKeyProvision({ keyDirectory, passphraseFile }: LocalKeySettings): KeyProvision {
  async function keep(privateKey: KeyObject, authorityName: string): Promise<ProvidedKey> {
    const passphrase = await loadPassphrase(passphraseFile)
    await mkdir(keyDirectory, { recursive: true, mode: 0o700 })
    await chmod(keyDirectory, 0o700)
    // Two administrators may be making the same generation: neither may write over the other's key.
    const keyFile = `${authorityName}-${randomBytes(4).toString('hex')}.key.pem`
    await writeSecretFile(join(keyDirectory, keyFile), await encryptPrivateKey(privateKey, passphrase))
    return {
      reference: { kind: 'local', keyFile },
      discard: () => rm(join(keyDirectory, keyFile), { force: true })
    }
  }
  return {
    keep,
    async provide(request, authorityName) {
      if (request.kind === 'local') return keep(await generateLocalKey(request.keyType), authorityName)
      return { reference: request, discard: async () => undefined }
    }
  }
}
