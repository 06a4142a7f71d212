/** One part of the story: what was done, how long it took, and how it ended. */
export interface StepReport {
  readonly title: string
  readonly outcome: 'done' | 'failed' | 'left-out'
  readonly milliseconds: number
  /** What is worth knowing of it, for the person who reads along. */
  readonly detail: string
}

/** What cannot go on; the message is for the person who rehearses. */
export class StoryFailure extends Error {}

export interface Steps {
  readonly reports: readonly StepReport[]
  /**
   * Does one step and reports it. `tell` makes the detail of what came out.
   *
   * @throws StoryFailure when the work does not succeed or the story was interrupted; the step is then reported as
   *   failed.
   */
  run<Result>(title: string, work: () => Promise<Result>, tell: (result: Result) => string): Promise<Result>
  leaveOut(title: string, detail: string): void
}

/** @param signal ends the story: no work begins after it, and work that fails then does so because of it. */
export function createSteps(
  onReport: (report: StepReport, number: number) => void,
  signal: AbortSignal
): Steps {
  const reports: StepReport[] = []
  const add = (report: StepReport) => {
    reports.push(report)
    onReport(report, reports.length)
  }
  return {
    reports,
    async run(title, work, tell) {
      const start = performance.now()
      const elapsed = () => Math.round(performance.now() - start)
      try {
        signal.throwIfAborted()
        const result = await work()
        add({ title, outcome: 'done', milliseconds: elapsed(), detail: tell(result) })
        return result
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        const detail = signal.aborted ? 'Interrupted.' : reason
        add({ title, outcome: 'failed', milliseconds: elapsed(), detail })
        throw error instanceof StoryFailure ? error : new StoryFailure(detail, { cause: error })
      }
    },
    leaveOut: (title, detail) => add({ title, outcome: 'left-out', milliseconds: 0, detail })
  }
}
