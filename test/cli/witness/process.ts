import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatVerifierKey,
  parseVerifierKey,
  type VerifierKey
} from '../../../src/transparency/note/verifier-key.ts'
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
  const child = spawn(process.execPath, [builtProgram(), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  const output = () => Buffer.concat(chunks).toString()
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const url = await urlOf(child, output)
  return {
    url,
    output,
    async ask(body) {
      const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
      return [answer.status, answer.headers.get('content-type'), await answer.text()]
    },
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill(signal)
      await once(child, 'close')
      return child.exitCode
    }
  }
}

async function urlOf(child: ChildProcess, output: () => string): Promise<string> {
  const deadline = performance.now() + 45_000
  while (performance.now() < deadline && child.exitCode === null) {
    const url = /listens on (https?:\S+)/.exec(output())?.[1]
    if (url !== undefined) return url
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  throw new Error(`the witness did not start:\n${output()}`)
}
