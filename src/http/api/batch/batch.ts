import { PassThrough, type Readable } from 'node:stream'
import type { Line } from './lines.ts'
import type { BatchSummary } from './schemas.ts'

/** What a line is answered with. */
export interface LineAnswer {
  readonly status: number
  readonly [member: string]: unknown
}

export interface Batch {
  readonly lines: AsyncIterator<Line, void>
  /** Never rejects. */
  readonly answer: (line: Line) => Promise<LineAnswer>
  readonly concurrency: number
  /** Whether lines were left that are not answered; asked at the end. */
  readonly isCutShort: () => boolean
  /** Told when the last line is answered, or nobody reads on. */
  readonly onEnd: () => void
}

/**
 * The answers as NDJSON, each as soon as it is there, and a summary at the end. So many lines are taken as are answered, and
 * so many are answered as are read: a reader that stops makes the sender wait.
 *
 * Where lines cannot be read on or nobody reads the answers, it ends without a summary. What was begun is finished then.
 */
export function streamAnswers(batch: Batch): Readable {
  const { lines, answer, concurrency, isCutShort, onEnd } = batch
  const output = new PassThrough()
  const counts = { issued: 0, replayed: 0, refused: 0, unserved: 0 }
  let drained: Promise<void> | undefined

  /** One wait for all who have something to write. */
  const untilDrained = () =>
    (drained ??= new Promise<void>(resolve => {
      const end = () => {
        drained = undefined
        output.off('drain', end).off('close', end)
        resolve()
      }
      output.on('drain', end).on('close', end)
    }))

  const work = async () => {
    for (;;) {
      const { done, value } = await lines.next()
      if (done === true || output.destroyed) return
      const answered = await answer(value)
      counts[kindOf(answered.status)] += 1
      if (output.destroyed) return
      if (!output.write(`${JSON.stringify(answered)}\n`)) await untilDrained()
    }
  }

  void Promise.all(Array.from({ length: concurrency }, work))
    .then(
      () => {
        const { issued, replayed, refused, unserved } = counts
        const answered = issued + replayed + refused + unserved
        const summary: BatchSummary = { complete: !isCutShort(), answered, ...counts }
        if (!output.destroyed) output.end(`${JSON.stringify({ summary })}\n`)
      },
      (error: unknown) => output.destroy(error as Error)
    )
    .finally(onEnd)
  return output
}

function kindOf(status: number): Exclude<keyof BatchSummary, 'complete' | 'answered'> {
  if (status === 201) return 'issued'
  if (status === 200) return 'replayed'
  return status === 408 || status === 429 || status >= 500 ? 'unserved' : 'refused'
}
