/**
 * error: AWS refuses the template or would provision no device with it. warning: it works, with a consequence
 * that is easily missed. note: worth knowing.
 */
export type Severity = 'error' | 'warning' | 'note'

/** What is the same for all findings of one id. */
export interface FindingEntry {
  readonly severity: Severity
  /** What happens at AWS if nothing is done. */
  readonly atAws: string
  readonly remedy: string
}
