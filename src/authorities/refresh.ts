/**
 * Lets many callers share one read, so that a change under load costs one query and not one a request. A caller
 * never gets a read that began before it asked: what is under way may have seen the state from before.
 */
export function createRefresh(read: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let queued: Promise<void> | undefined

  function start(): Promise<void> {
    running = read().finally(() => (running = undefined))
    return running
  }

  return () => {
    if (queued !== undefined) return queued
    if (running === undefined) return start()
    queued = running
      .catch(() => undefined)
      .then(() => {
        queued = undefined
        return start()
      })
    return queued
  }
}
