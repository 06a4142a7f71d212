import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface RunningProgram {
  readonly pid: number
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  readonly stop: () => Promise<void>
  /** With no chance to clean up. */
  readonly kill: () => Promise<void>
}

export const builtCommand = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The built `mintline` with the flags of `npm start`, once it says that it listens. */
export async function startProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {}
): Promise<RunningProgram> {
  const program = spawn(process.execPath, ['--max-semi-space-size=32', builtCommand, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const port = await portOf(program)
  async function end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(program, 'exit')
    program.kill(signal)
    await ended
  }
  return {
    pid: program.pid!,
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL')
  }
}

async function portOf(program: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: program.stdout! })) {
    const port = /listens on https?:\/\/[^ ]*:(\d+)/.exec(line)?.[1]
    if (port === undefined) continue
    program.stdout!.resume()
    return Number(port)
  }
  throw new Error('the program ended before it listened')
}
