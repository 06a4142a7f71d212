import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Column, ExportFormat, Row, RowFormat } from '../formats/format.ts'

/** What the thread is started with. */
export interface EncoderSetup {
  readonly format: ExportFormat
  /** Of the list. */
  readonly name: string
  readonly columns: readonly Column[]
}

/** Rows, or undefined for the end. */
export interface EncoderTask {
  readonly rows?: readonly Row[] | undefined
}

export interface EncoderAnswer {
  readonly chunks: readonly Uint8Array[]
}

export interface Encoder extends RowFormat, AsyncDisposable {}

/** A row group of Parquet takes a second. */
const longestMs = 120_000
const maximumHeapMebibytes = 512

/**
 * A format in a thread of its own: a row group of Parquet, or the compression of a sheet, would hold the event loop for far
 * too long. It holds what the format does, and is ended by its disposal.
 *
 * @throws Error of the thread by its methods, which are called one after the other; `internal_error` where it does not answer.
 */
export function openEncoder(setup: EncoderSetup): Encoder {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  const file = new URL(`./encoder-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(file, {
    workerData: setup,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: maximumHeapMebibytes }
  })
  let failure: Error | undefined
  let refuse: (error: Error) => void = () => undefined
  const fail = (error: Error) => {
    failure ??= error
    refuse(failure)
  }
  worker.once('error', fail)
  worker.once('exit', () => fail(silent('The thread that writes an export ended.')))

  async function ask(task: EncoderTask): Promise<readonly Uint8Array[]> {
    if (failure !== undefined) throw failure
    const { promise, resolve, reject } = Promise.withResolvers<EncoderAnswer>()
    const timer = setTimeout(
      () => reject(silent('The thread that writes an export does not answer.')),
      longestMs
    )
    refuse = reject
    worker.once('message', resolve)
    worker.postMessage(task)
    try {
      return (await promise).chunks
    } finally {
      clearTimeout(timer)
      worker.off('message', resolve)
      refuse = () => undefined
    }
  }
  return {
    add: rows => ask({ rows }),
    end: () => ask({}),
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    }
  }
}

function silent(detail: string): MintlineError {
  return new MintlineError('internal_error', detail)
}
