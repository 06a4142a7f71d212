import type { Stopwatch } from '../../sources/clock.ts'

/** The id of the record; undefined where nothing was recorded, since the token was revoked. */
type Recording = Promise<string | undefined>

/** Which refusals were recorded lately, or are being recorded, so that the same again is not. */
export interface RepeatWindows {
  /** What is on record of the same refusal, or will be. */
  find(key: string): Recording | undefined
  /** From now on the same refusal repeats this one; unless nothing comes of it. */
  open(key: string, recording: Recording): void
}

export interface RepeatWindowsOptions {
  readonly stopwatch: Stopwatch
  /** From the first, however many come. */
  readonly windowMs?: number
  /** Beyond it the oldest are forgotten: the same again is recorded anew. */
  readonly maximumWindows?: number
}

interface RepeatWindow {
  readonly openedAt: number
  readonly recording: Recording
}

export function createRepeatWindows(options: RepeatWindowsOptions): RepeatWindows {
  const { stopwatch, windowMs = 60_000, maximumWindows = 10_000 } = options
  // In the order in which they were opened, and so in that in which they end.
  const windows = new Map<string, RepeatWindow>()

  const isOver = ({ openedAt }: RepeatWindow) => stopwatch() - openedAt >= windowMs

  function forgetOldest(): void {
    for (const [key, oldest] of windows) {
      if (windows.size < maximumWindows && !isOver(oldest)) return
      windows.delete(key)
    }
  }

  return {
    find(key) {
      const found = windows.get(key)
      return found === undefined || isOver(found) ? undefined : found.recording
    },
    open(key, recording) {
      windows.delete(key)
      forgetOldest()
      const opened = { openedAt: stopwatch(), recording }
      windows.set(key, opened)
      const close = () => {
        if (windows.get(key) === opened) windows.delete(key)
      }
      recording.then(id => {
        if (id === undefined) close()
      }, close)
    }
  }
}
