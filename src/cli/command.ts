/** What a command may touch of the process. */
export interface CommandIo {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Standard output. */
  readonly write: (text: string) => void
  /** Standard error. */
  readonly writeError: (text: string) => void
}
