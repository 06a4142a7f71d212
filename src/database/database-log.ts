type LogLine = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** What the database's parts need of the service's log. */
export interface DatabaseLog {
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}
