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
  /** For `--help`, and after a mistake in the arguments. */
  readonly usage: string
  /**
   * @returns the exit code.
   * @throws UsageError
   */
  readonly run: (io: CommandIo, args: readonly string[]) => Promise<number> | number
}

/** The arguments are at fault; the message says which. Exit code 2. */
export class UsageError extends Error {}
