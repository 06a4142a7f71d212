import { open, readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import type { Act } from '../audit/audit-event.ts'
import type { DatabaseLog } from '../database/database-log.ts'

/** What a command may touch of the process. */
export interface CommandIo {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Standard output. */
  readonly write: (text: string) => void
  /** Standard error. */
  readonly writeError: (text: string) => void
}

/** A subcommand of `mintline`. */
export interface Command {
  /** For `--help`, and after a mistake in the arguments; given these, where there is more than one. */
  readonly usage: string | ((args: readonly string[]) => Promise<string>)
  /**
   * @returns the exit code.
   * @throws UsageError
   */
  readonly run: (io: CommandIo, args: readonly string[]) => Promise<number> | number
}

/** The arguments are at fault; the message says which. Exit code 2. */
export class UsageError extends Error {}

type FlagOptions = NonNullable<ParseArgsConfig['options']>

/** Words and flags. @throws UsageError for a flag that is not among them. */
export function parseWordsAndFlags<Options extends FlagOptions>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(error.message)
  }
}

/** @throws UsageError for a flag that is not among them, or a word that belongs to none. */
export function parseFlags<Options extends FlagOptions>(args: readonly string[], options: Options) {
  const { positionals, values } = parseWordsAndFlags(args, options)
  if (positionals.length > 0) throw new UsageError(`there is no argument ${positionals.join(' ')}`)
  return values
}

/** @throws UsageError when it cannot be read. */
export async function readInputFile(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? 'unknown reason'})`)
  })
}

/** @throws UsageError when it cannot be read, or has more octets than `maximum`. A pipe is read to its end. */
export async function readBoundedFile(file: string, maximum: number): Promise<Uint8Array> {
  const octets = await readBeginning(file, maximum + 1).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} cannot be read (${error.code ?? 'unknown reason'})`)
  })
  if (octets.length > maximum) throw new UsageError(`${file} has more than ${maximum} octets`)
  return octets
}

async function readBeginning(file: string, octets: number): Promise<Buffer> {
  await using handle = await open(file)
  return await buffer(handle.createReadStream({ autoClose: false, end: octets - 1 }))
}

/** @throws UsageError for anything but a whole number from 0 to `maximum`. */
export function wholeNumberOf(flag: string, text: string, maximum: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) <= maximum) return Number(text)
  throw new UsageError(`${flag} is a whole number from 0 to ${maximum}`)
}

/** @throws UsageError for anything but a number from 0 to 1. */
export function rateOf(flag: string, text: string): number {
  if (/^\d(\.\d+)?$/.test(text) && Number(text) <= 1) return Number(text)
  throw new UsageError(`${flag} is a number from 0 to 1`)
}

/** Who acts, in the audit trail. A container may run under a number that has no name. */
export function operatingSystemAct(): Act {
  try {
    return { actor: `cli/${userInfo().username}` }
  } catch {
    return { actor: `cli/uid-${process.getuid?.()}` }
  }
}

/** Standard output is for the result alone. */
export function createCommandLog({ writeError }: CommandIo): DatabaseLog {
  const tell = (_fields: object, message: string) => writeError(`mintline: ${message}\n`)
  return { info: () => undefined, warn: tell, error: tell }
}

/** The first signal to end from now on. */
export function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}

/**
 * Resolves at the first signal to end, or when standard output can no longer be written, as behind `| head`. Later ones
 * change nothing: npm may pass on what the terminal has sent already, and a signal or an error that nobody listens to would
 * end the process before it has cleaned up.
 */
export function untilStopped({ writeError }: Pick<CommandIo, 'writeError'>): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
    let isTold = false
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code !== 'EPIPE' && !isTold)
        writeError(`mintline: standard output cannot be written (${code ?? 'unknown reason'})\n`)
      isTold = true
      resolve()
    })
    // There is nobody to tell.
    process.stderr.on('error', () => resolve())
  })
}
