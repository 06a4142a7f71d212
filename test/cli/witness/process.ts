import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatVerifierKey,
  parseVerifierKey,
  type VerifierKey
} from '../../../src/transparency/note/verifier-key.ts'
import { startListening } from '../../support/program/listening.ts'
import { builtProgram } from '../../support/program/program.ts'
import { createKey, type TestKey } from '../../transparency/signing.ts'
import { runMintline } from '../mintline.ts'

/** The folder of a witness, and a log that it knows. */
export interface MadeWitness {
  readonly directory: string
  readonly logsFile: string
  readonly stateFile: string
  readonly log: TestKey
  /** As they are given to others. */
  readonly verifierKeys: readonly VerifierKey[]
}

export async function makeWitness(parent: string, name: string): Promise<MadeWitness> {
  const directory = join(parent, name)
  const { exitCode, errors } = await runMintline([
    'witness',
    'init',
    directory,
    '--name',
    `witness.example/${name}`
  ])
  if (exitCode !== 0) throw new Error(errors)
  const log = createKey(`log.example/${name}`)
  const logsFile = join(parent, `${name}-logs.txt`)
  await writeFile(logsFile, `# one log\n${formatVerifierKey(log.verifierKey)}\n`)
  const lines = (await readFile(join(directory, 'verifier-keys.txt'), 'utf8')).trim().split('\n')
  return {
    directory,
    logsFile,
    stateFile: join(directory, 'state.json'),
    log,
    verifierKeys: lines.map((line, index) => parseVerifierKey(line, index + 1))
  }
}

export interface WitnessProcess {
  readonly url: string
  readonly output: () => string
  /** @returns status, content type and body. */
  readonly ask: (body: string | Buffer) => Promise<readonly [number, string | null, string]>
  /** @returns the exit code, null after a fatal signal. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>
}

/** Serves it on a free port. */
export async function startWitness(
  { directory, logsFile }: Pick<MadeWitness, 'directory' | 'logsFile'>,
  flags: readonly string[] = []
): Promise<WitnessProcess> {
  const args = ['witness', 'serve', directory, '--logs', logsFile, '--port', '0', ...flags]
  const { url, output, end } = await startListening([builtProgram(), ...args])
  return {
    url,
    output,
    async ask(body) {
      const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
      return [answer.status, answer.headers.get('content-type'), await answer.text()]
    },
    end
  }
}
