import { join, resolve } from 'node:path'
import { writeNewFiles } from '../../authorities/ceremony/new-files.ts'
import { quoteForShell } from '../../config/shell.ts'
import { fitsCosignature, maximumNameOctets } from '../../transparency/note/cosignature.ts'
import { formatVerifierKey, isKeyName } from '../../transparency/note/verifier-key.ts'
import { generateWitnessKey, type WitnessKey, witnessKeyOf } from '../../witness/keys.ts'
import { formatState } from '../../witness/state.ts'
import { type CommandIo, UsageError } from '../command.ts'
import { witnessFiles } from './files.ts'

/** Makes a witness in the folder. @throws UsageError; what `writeNewFiles` throws. */
export async function initWitness({ write }: CommandIo, folder: string, name: string): Promise<number> {
  if (!isKeyName(name) || /\p{Cc}/u.test(name) || !fitsCosignature(name))
    throw new UsageError(
      `--name is at most ${maximumNameOctets} octets, without white space and plus, like witness.example/line-7`
    )
  const directory = resolve(folder)
  const keys = (['cosignature', 'postQuantumCosignature'] as const).flatMap(type => {
    const privateKey = generateWitnessKey(type)
    return privateKey === undefined ? [] : [witnessKeyOf(name, type, privateKey)]
  })
  const verifierKeys = keys.map(({ verifierKey }) => `${formatVerifierKey(verifierKey)}\n`).join('')
  await writeNewFiles(directory, [
    ...keys.map(key => ({ name: witnessFiles.keys[key.verifierKey.type], text: pemOf(key), mode: 0o600 })),
    { name: witnessFiles.verifierKeys, text: verifierKeys, mode: 0o644 },
    // Last: without it there is no witness, and whatever came before can be made anew.
    { name: witnessFiles.state, text: formatState(name, new Map()), mode: 0o600 }
  ])
  write(`The witness ${name} is in ${directory}. Give its verifier keys to those who are to trust it; they are kept in
${join(directory, witnessFiles.verifierKeys)}:

${verifierKeys}
Write the verifier key of each log into a file, and start it:

  mintline witness serve ${quoteForShell(directory)} --logs FILE
`)
  return 0
}

function pemOf({ privateKey }: WitnessKey): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}
