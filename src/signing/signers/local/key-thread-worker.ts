import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { KeyTask } from './key-thread.ts'

// A thread of its own for one task: see key-thread.ts.
const task = workerData as KeyTask
const privateKey =
  task.kind === 'generate-rsa'
    ? generateKeyPairSync('rsa', { modulusLength: task.modulusLength }).privateKey
    : createPrivateKey({ key: task.pem, passphrase: task.passphrase })
parentPort?.postMessage(privateKey)
