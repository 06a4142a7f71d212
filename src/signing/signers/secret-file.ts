import { readFile } from 'node:fs/promises'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * The first line of a passphrase file.
 *
 * @param setting what names the file, for the error.
 * @throws MintlineError `key_unusable` when the file is missing, empty or not readable.
 */
export function loadPassphrase(path: string, setting = 'MINTLINE_CA_PASSPHRASE_FILE'): Promise<string> {
  return loadFirstLine(path, 'passphrase file', setting)
}

/** The first line of a PIN file. @throws MintlineError as `loadPassphrase`. */
export function loadPin(path: string): Promise<string> {
  return loadFirstLine(path, 'PIN file', 'MINTLINE_PKCS11_PIN_FILE')
}

async function loadFirstLine(path: string, kind: string, setting: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const detail = `The ${kind} ${path} cannot be read. ${setting} says which file it is.`
    throw new MintlineError('key_unusable', detail, { cause })
  })
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw new MintlineError('key_unusable', `The first line of the ${kind} ${path} is empty.`)
  return line
}
