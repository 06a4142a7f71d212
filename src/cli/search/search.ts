import { withDatabase } from '../../composition/open-database.ts'
import { loadCheckedSettings } from '../../config/machine-checks.ts'
import type { Database } from '../../database/database.ts'
import { createFillStore } from '../../records/search/filling/fill-store.ts'
import { createFilling } from '../../records/search/filling/filling.ts'
import { refill, resetSearch } from '../../records/search/rebuilding/rebuild.ts'
import { createRebuildStore } from '../../records/search/rebuilding/rebuild-store.ts'
import { systemStopwatch } from '../../sources/clock.ts'
import { createRandomSource } from '../../sources/random-bytes.ts'
import {
  createCommandLog,
  operatingSystemAct,
  parseWordsAndFlags,
  untilStopped,
  UsageError
} from '../command.ts'
import { translateStartFailure } from '../start-failure.ts'
import { createProgress, type SearchIo } from './progress.ts'

export const searchUsage = `usage: mintline search rebuild [--no-wait]

Makes anew, from the records, what GET /v1/issuances searches them by. No record is changed. Until it is done, searches by
subject, thing name, metadata, line, lot, state and the like are 503 search_behind, or need a \`to\`; certificates are issued as
before. With the embedded database the service must be stopped meanwhile; with DATABASE_URL it may run. Progress goes to
standard error, where that is a terminal.

  --no-wait  empties it and ends: the service fills it in, in the background

When it is stopped, or the machine is, the service goes on where it was. Exit code 0: it is done, or left to the service as it
was asked to be. 1: it was stopped, or failed.
`

/** @throws UsageError; MintlineError as a start does. @returns the exit code. */
export async function runSearch(io: SearchIo, args: readonly string[]): Promise<number> {
  const { positionals, values } = parseWordsAndFlags(args, { 'no-wait': { type: 'boolean' } })
  if (positionals.length !== 1 || positionals[0] !== 'rebuild')
    throw new UsageError('the only command is `rebuild`')
  const { config } = loadCheckedSettings(io.environment)
  const work = (database: Database) => rebuild(io, database, values['no-wait'] === true)
  return withDatabase(config, createCommandLog(io), work).catch((error: unknown) => {
    throw translateStartFailure(error, config)
  })
}

async function rebuild(io: SearchIo, database: Database, leavesRest: boolean): Promise<number> {
  const store = createRebuildStore(database)
  const clock = () => new Date()
  const total = await store.estimate()
  const stopping = new AbortController()
  void untilStopped(io).then(() => stopping.abort())
  await resetSearch({ store, clock, randomBytes: createRandomSource() }, operatingSystemAct())
  if (leavesRest) {
    io.write('What records are searched by is empty. The service fills it in.\n')
    return 0
  }
  const startMs = systemStopwatch()
  const progress = createProgress(io, total)
  const filling = createFilling({ store: createFillStore(database), clock })
  const { signal } = stopping
  const told = { onProgress: progress.tell, stopwatch: systemStopwatch, signal }
  const isDone = await refill({ store, filling, ...told }).finally(progress.clear)
  const records = (await store.countFilled()).toLocaleString('en')
  if (!isDone) {
    io.writeError(`mintline: stopped after ${records} records. The service fills in the others.\n`)
    return 1
  }
  const seconds = Math.round((systemStopwatch() - startMs) / 1000)
  io.write(`${records} records can be searched anew, after ${seconds} s.\n`)
  return 0
}
