import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MintlineError } from '../../errors.ts'
import { loadPrivateKey } from './key-file.ts'
import { createLocalSigner } from './local.ts'
import type { Signer } from './signer.ts'

/** Where an authority's key is. Kept with the authority; never the key, never a passphrase. */
export interface SignerReference {
  readonly kind: 'local'
  /** A file name inside the key directory. */
  readonly keyFile: string
}

export type OpenSigner = (reference: SignerReference) => Promise<Signer>

export interface LocalKeySettings {
  readonly keyDirectory: string
  readonly passphraseFile: string
}

/** Opens the signer that a reference names. A kind that is not known is refused. */
export function createSignerOpener(settings: LocalKeySettings): OpenSigner {
  return async reference => {
    if (reference.kind !== 'local' || basename(reference.keyFile) !== reference.keyFile) {
      throw new MintlineError(
        'key_unusable',
        'The database names a CA key of a kind that this version does not know.'
      )
    }
    const passphrase = await loadPassphrase(settings.passphraseFile)
    return createLocalSigner(await loadPrivateKey(join(settings.keyDirectory, reference.keyFile), passphrase))
  }
}

/**
 * The first line of a passphrase file.
 *
 * @throws MintlineError `key_unusable` when the file is missing, empty or not readable.
 */
export async function loadPassphrase(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new MintlineError(
      'key_unusable',
      `The passphrase file ${path} cannot be read. MINTLINE_CA_PASSPHRASE_FILE says which file it is.`,
      { cause }
    )
  })
  const [passphrase = ''] = text.split(/\r?\n/, 1)
  if (passphrase === '') throw new MintlineError('key_unusable', `The first line of ${path} is empty.`)
  return passphrase
}
