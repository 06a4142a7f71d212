import { parentPort, workerData } from 'node:worker_threads'
import type { ExportFormat, OpenFormat } from '../formats/format.ts'
import type { EncoderAnswer, EncoderSetup, EncoderTask } from './encoder.ts'

const openers: Readonly<Record<ExportFormat, () => Promise<OpenFormat>>> = {
  csv: async () => (await import('../formats/text.ts')).openCsv,
  ndjson: async () => (await import('../formats/text.ts')).openNdjson,
  xlsx: async () => (await import('../formats/xlsx.ts')).openXlsx,
  parquet: async () => (await import('../formats/parquet.ts')).openParquet
}

// A thread for what would hold up everybody on the event loop: see encoder.ts.
const { format, name, columns } = workerData as EncoderSetup
const opening = openers[format]().then(open => open(name, columns))
// Listened to at once: a thread that waits for nothing else ends.
parentPort?.on('message', (task: EncoderTask) => {
  // What fails ends the thread, and is told by that.
  void answerTo(task)
})

async function answerTo({ rows }: EncoderTask): Promise<void> {
  const file = await opening
  const chunks = rows === undefined ? await file.end() : await file.add(rows)
  const answer: EncoderAnswer = { chunks: chunks.map(chunk => new Uint8Array(chunk)) }
  parentPort?.postMessage(
    answer,
    answer.chunks.map(({ buffer }) => buffer as ArrayBuffer)
  )
}
