import type { KeyObject } from 'node:crypto'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { createSlots } from '../signer-slots.ts'

/** To make an RSA key, or to open an encrypted one. */
export type KeyTask =
  | { readonly kind: 'generate-rsa'; readonly modulusLength: number }
  | { readonly kind: 'open'; readonly pem: string; readonly passphrase: string }

/**
 * One RSA key at a time: each takes a core for up to seconds. Opening takes a twentieth of a second; a start opens a
 * key for each line.
 */
const slots = {
  'generate-rsa': createSlots({
    maximumConcurrent: 1,
    maximumWaiting: 3,
    busy: 'RSA keys are being made already.'
  }),
  open: createSlots({
    maximumConcurrent: 1,
    maximumWaiting: 10_000,
    busy: 'CA keys are being opened already.'
  })
}
/** Half of all RSA keys of 4,096 bits take less than a second; the luckless ones ten times as long, on a busy machine more. */
const longestMs = 120_000

/**
 * Does work that holds a core in a thread of its own: on the event loop it would keep every request waiting, and on
 * libuv's pool, which is small on purpose, every signature.
 *
 * @throws MintlineError `overloaded` when more keys are asked for than are made; what OpenSSL says of a key that cannot
 *   be opened.
 */
export function runOnKeyThread(task: KeyTask): Promise<KeyObject> {
  return slots[task.kind].run(() => run(task))
}

async function run(task: KeyTask): Promise<KeyObject> {
  // Built, this file and the other end in .js; the compiler does not look into a URL.
  const file = new URL(`./key-thread-worker${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(file, { workerData: task, execArgv: [] })
  const done = Promise.withResolvers<KeyObject>()
  const timer = setTimeout(() => done.reject(tookTooLong()), longestMs)
  worker.once('message', key => done.resolve(key as KeyObject))
  worker.once('error', error => done.reject(error))
  worker.once('exit', () =>
    done.reject(new MintlineError('internal_error', 'The thread ended without a key.'))
  )
  try {
    return await done.promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

function tookTooLong(): MintlineError {
  return new MintlineError('overloaded', 'The key was not ready in time. Ask again when less is going on.', {
    retryAfterSeconds: 10
  })
}
