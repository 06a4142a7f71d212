import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

const startTimeoutMs = 45_000

/** A process that serves, and has said where. */
export interface Listening {
  readonly url: string
  readonly child: ChildProcess
  /** What it has printed so far, both streams. */
  readonly output: () => string
  /** Sends a signal and waits for the end; gives the exit code, or null after a fatal signal. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>
}

/** Runs a file of ours. @throws Error with what it printed, where it does not say that it listens. */
export async function startListening(
  args: readonly string[],
  options: Pick<SpawnOptions, 'env'> = {}
): Promise<Listening> {
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  const output = () => Buffer.concat(chunks).toString()
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    url: await urlOf(child, output),
    child,
    output,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      child.kill(signal)
      await once(child, 'close')
      return child.exitCode
    }
  }
}

async function urlOf(child: ChildProcess, output: () => string): Promise<string> {
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline && child.exitCode === null) {
    const url = /listens on (https?:\S+)/.exec(output())?.[1]
    if (url !== undefined) return url
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  throw new Error(`it did not start:\n${output()}`)
}
