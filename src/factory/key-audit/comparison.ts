import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** The product of the moduli; or, told the products of all other blocks, what each shares with any other. */
export interface ComparisonTask {
  readonly moduli: readonly bigint[]
  readonly others?: readonly bigint[]
}

export interface ComparisonOptions {
  /** Fewer take less memory, some 10 KB for each of 2048 bits and thread, and more time. */
  readonly blockSize?: number
  readonly threads?: number
  /** Told how much is done, from 0 to 1. */
  readonly onProgress?: (done: number) => void
}

const defaultBlockSize = 20_000

/**
 * Compares each modulus with the product of all others, block by block, in threads of their own.
 *
 * @param moduli different ones, each above 1.
 * @returns of each the greatest factor that it shares: 1 for none.
 */
export async function compareModuli(
  moduli: readonly bigint[],
  options: ComparisonOptions = {}
): Promise<readonly bigint[]> {
  const { blockSize = defaultBlockSize, onProgress = () => undefined } = options
  const blocks: (readonly bigint[])[] = []
  for (let at = 0; at < moduli.length; at += blockSize) blocks.push(moduli.slice(at, at + blockSize))
  const { threads = Math.min(availableParallelism(), 4) } = options
  const workers = Array.from({ length: Math.min(threads, blocks.length) }, startWorker)
  let done = 0
  // A product is about a tenth of the work of a block.
  const tell = (work: number) => onProgress((done += work) / (1.1 * blocks.length))
  try {
    const products = await runAll<bigint>(
      workers,
      blocks.map(block => ({ moduli: block })),
      () => tell(0.1)
    )
    const tasks = blocks.map((block, i) => ({ moduli: block, others: products.toSpliced(i, 1) }))
    return (await runAll<readonly bigint[]>(workers, tasks, () => tell(1))).flat()
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()))
  }
}

function startWorker(): Worker {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  return new Worker(new URL(`./comparison-worker${extname(import.meta.url)}`, import.meta.url), {
    execArgv: []
  })
}

/** Each worker takes the next task once it is done with one. @returns the answers, in the order of the tasks. */
async function runAll<Answer>(
  workers: readonly Worker[],
  tasks: readonly ComparisonTask[],
  onDone: () => void
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const waiting = tasks.entries()
  const work = async (worker: Worker) => {
    for (const [i, task] of waiting) {
      answers[i] = await askWorker<Answer>(worker, task)
      onDone()
    }
  }
  await Promise.all(workers.map(work))
  return answers
}

/** Without a deadline: how long it takes depends on the machine, and whoever asked sees how far it is. */
function askWorker<Answer>(worker: Worker, task: ComparisonTask): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const end = () =>
    reject(new Error('The thread that compares keys ended; it may have had too little memory'))
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.once('exit', end)
  worker.postMessage(task)
  return promise.finally(() => {
    worker.off('message', resolve)
    worker.off('error', reject)
    worker.off('exit', end)
  })
}
