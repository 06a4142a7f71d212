import { setTimeout as delay } from 'node:timers/promises'

/**
 * Goes on until it is closed, which waits for the step under way.
 *
 * @param step does not throw. @returns of `step`: how long to rest then, in milliseconds.
 */
export function startRepeating(step: (signal: AbortSignal) => Promise<number>): { close(): Promise<void> } {
  const closing = new AbortController()
  const { signal } = closing
  const ended = (async () => {
    while (!signal.aborted) await delay(await step(signal), undefined, { signal }).catch(() => undefined)
  })()
  return {
    async close() {
      closing.abort()
      await ended
    }
  }
}
