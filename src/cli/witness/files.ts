import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkSecrecy } from '../../config/secrecy.ts'
import { isFileLockHeld, takeFileLock } from '../../database/embedded/file-lock.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { parseKeyList } from '../../transparency/note/key-list.ts'
import { labelOf, type VerifierKey } from '../../transparency/note/verifier-key.ts'
import { readWitnessKey, type WitnessKey, witnessKeyOf, type WitnessKeyType } from '../../witness/keys.ts'
import { formatState, readState, type WitnessState } from '../../witness/state.ts'
import { readInputFile, UsageError } from '../command.ts'
import { writeWhole } from '../enroll/keeping/keeping.ts'

/** What `mintline witness init` makes in the folder of a witness. */
export const witnessFiles = {
  keys: {
    cosignature: 'ed25519.key.pem',
    postQuantumCosignature: 'ml-dsa-44.key.pem'
  } satisfies Readonly<Record<WitnessKeyType, string>>,
  verifierKeys: 'verifier-keys.txt',
  state: 'state.json'
}

/** The folder of a witness, which is this process's alone until it is disposed of. */
export interface OpenedWitness extends Disposable {
  readonly keys: readonly [WitnessKey, ...WitnessKey[]]
  readonly state: WitnessState
  /** Resolves when it is on the disk, in the place of the one before. @throws KeepingError */
  readonly keep: (state: WitnessState) => Promise<void>
}

/**
 * Opens what `mintline witness init` made.
 *
 * @throws UsageError; MintlineError `config_invalid` for a key that others can read, `key_unusable`,
 * `data_directory_unusable` while another process has it, and for a state that is damaged.
 */
export async function openWitness(directory: string): Promise<OpenedWitness> {
  const stateFile = join(directory, witnessFiles.state)
  if ((await stat(stateFile).catch(() => undefined)) === undefined)
    throw new UsageError(
      `${stateFile} is not there. \`mintline witness init\` makes a witness; one whose state is lost must not go on under its name`
    )
  const lock = await lockState(stateFile)
  try {
    const keys = await readKeys(directory)
    const state = await readState((await readInputFile(stateFile)).toString('utf8'), keys[0].verifierKey)
    const { name } = keys[0].verifierKey
    return {
      keys,
      state,
      keep: next => writeWhole(stateFile, formatState(name, next), 0o600),
      [Symbol.dispose]: () => lock.release()
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Beside the state, which is another file after each change. */
async function lockState(stateFile: string) {
  try {
    return await takeFileLock(`${stateFile}.lock`)
  } catch (cause) {
    if (isFileLockHeld(cause))
      throw new MintlineError(
        'data_directory_unusable',
        `Another process serves ${stateFile}. Two would sign what contradicts each other: stop one of them.`
      )
    throw new MintlineError('data_directory_unusable', `${stateFile}.lock cannot be used as a lock.`, {
      cause
    })
  }
}

async function readKeys(directory: string): Promise<readonly [WitnessKey, ...WitnessKey[]]> {
  const list = join(directory, witnessFiles.verifierKeys)
  const keys: WitnessKey[] = []
  for (const { key } of parseKeyList(await readInputFile(list))) keys.push(await readKey(directory, key))
  const [first, ...others] = keys
  if (first?.verifierKey.type === 'cosignature') return [first, ...others]
  throw new MintlineError('key_unusable', `${list} does not begin with a key of Ed25519 for cosignatures.`)
}

/** The private key of a verifier key that was given to others: it must be that and no other. */
async function readKey(directory: string, listed: VerifierKey): Promise<WitnessKey> {
  const { name, type, keyIdHex } = listed
  if (type === 'note')
    throw new MintlineError(
      'key_unusable',
      `${labelOf(listed)} is a key for notes, and not for cosignatures.`
    )
  const file = join(directory, witnessFiles.keys[type])
  const { violations } = checkSecrecy([{ pointer: file, file }])
  if (violations.length > 0)
    throw new MintlineError('config_invalid', 'Others can read a key of the witness.', { violations })
  const pem = (await readInputFile(file)).toString('utf8')
  const key = witnessKeyOf(name, type, readWitnessKey(pem, file))
  if (key.verifierKey.keyIdHex === keyIdHex) return key
  throw new MintlineError(
    'key_unusable',
    `${file} holds another key than ${labelOf(listed)}, which was given to others. Put that one back.`
  )
}
