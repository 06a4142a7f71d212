import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/**
 * Ends this process when the one that started it is gone, also while a call of the module keeps the event loop. To be
 * waited for before the module is loaded.
 */
export async function watchParent(parent: number): Promise<void> {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  const file = new URL(`./parent-watch-worker${extname(import.meta.url)}`, import.meta.url)
  const watch = new Worker(file, { workerData: parent, execArgv: [] })
  await once(watch, 'online')
  watch.unref()
}
