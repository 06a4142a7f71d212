import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { builtProgram } from '../support/program/program.ts'

export interface Ended {
  readonly exitCode: number | null
  readonly output: string
  readonly errors: string
}

/** Runs the command as it is at a terminal, in an environment without anybody's settings, to its end. */
export async function runMintline(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {}
): Promise<Ended> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [builtProgram(), ...args], {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 45_000
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { exitCode: child.exitCode, output, errors }
}

/** The settings that a failure names, in the order in which it names them. */
export function namedSettings({ errors }: Ended): readonly string[] {
  return [...errors.matchAll(/^ {2}([A-Z_]+): expected/gm)].map(([, name]) => name!)
}

/** The code that a failure begins with. */
export function codeOf({ errors }: Ended): string | undefined {
  return /^mintline: ([a-z_]+):/m.exec(errors)?.[1]
}
