import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { removeDataDirectory } from '../../database/embedded/removal.ts'
import { type CommandIo, UsageError } from '../command.ts'
import { nextSignal } from '../command.ts'
import { runServe } from '../serve.ts'

/**
 * Runs the service of a rehearsal, until its standard input ends: the rehearsal holds the other end, and however that ends,
 * the service stops. Its data directory, which it makes, is removed then.
 *
 * @throws UsageError without MINTLINE_DATA_DIR, and an Error where it exists: nobody's data are removed.
 */
export async function runRehearsalService(io: CommandIo): Promise<number> {
  const dataDirectory = io.environment['MINTLINE_DATA_DIR']
  if (dataDirectory === undefined) throw new UsageError('this is for `mintline rehearse` to start')
  // Whoever read our output may be gone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const stopped = Promise.race([nextSignal(), endOfInput()])
  await mkdir(dataDirectory, { mode: 0o700 })
  try {
    return await runServe(io, stopped)
  } finally {
    await removeDataDirectory(dataDirectory)
  }
}

async function endOfInput(): Promise<string> {
  await once(process.stdin.resume(), 'close')
  return 'the end of the rehearsal'
}
