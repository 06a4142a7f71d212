import { setTimeout as pause } from 'node:timers/promises'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { openEncoder } from '../encoding/encoder.ts'
import type { Export, ExportList, OpenExportList } from '../export.ts'
import { ExportFile, ExportTaken } from './file.ts'
import type { Run, RunStore, Written } from './run-store.ts'

export interface ExportRunDependencies {
  readonly store: RunStore
  readonly openList: OpenExportList
  /** How long a file is kept. */
  readonly keptDays: number
  /** Of all files together, in octets. */
  readonly maximumOctets: number
  /** True while the database has no room to spare. */
  readonly isReserveTouched: () => boolean
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const dayMs = 24 * 60 * 60_000
/** How long the word of what has expired stays. */
const rememberedMs = 30 * dayMs
/** Beyond it, what fails is the export and not its surroundings. */
const maximumAttempts = 5
const maximumRows = 10_000_000
/** What the search does not have yet is tried again after that, and given up a day after it was asked for. */
const pauseOfBehindMs = 30_000
const longestBehindMs = dayMs
/** Of a page. */
const mostTries = 4
const pauseOfTryMs = 500
/** The next run goes on. */
const longestSweepMs = 30_000
/** After each page, as a share of the time that it took: who asks for certificates meanwhile finds the processors free. */
const pauseShare = 0.5

/**
 * Makes the exports that wait, the oldest first and one at a time, and takes away what has expired. One that was cut off is
 * begun anew: what was written of it goes. One that the search is behind for waits again, and others go first.
 *
 * @throws MintlineError what kept an export from being made and may not the next time; `job_interrupted` at the end of
 *   the service.
 */
export async function runExports(dependencies: ExportRunDependencies, signal: AbortSignal): Promise<void> {
  const { store, clock } = dependencies
  for (;;) {
    await sweepExports(dependencies, signal)
    const next = await store.findNext(clock())
    if (next === undefined) return
    if (signal.aborted) throw interrupted()
    const run = { exportId: next.id, run: newId(clock(), dependencies.randomBytes) }
    const attempts = await store.begin(run, clock())
    if (attempts === undefined) continue
    const isTaken = await attempt(dependencies, { next, run, attempts, signal })
    // Removed, or in the hands of another process, to which the rest is left as well: two would take it from each other.
    if (isTaken && (await store.findNext(clock()))?.id === next.id) return
  }
}

async function sweepExports({ store, clock }: ExportRunDependencies, signal: AbortSignal): Promise<void> {
  await store.expire(clock())
  const end = performance.now() + longestSweepMs
  const forgetBefore = new Date(clock().getTime() - rememberedMs)
  while (!signal.aborted && performance.now() < end && (await store.sweep(forgetBefore)));
}

interface Attempt {
  readonly next: Export
  readonly run: Run
  readonly attempts: number
  readonly signal: AbortSignal
}

/** @returns whether it was taken away. */
async function attempt(
  dependencies: ExportRunDependencies,
  { next, run, attempts, signal }: Attempt
): Promise<boolean> {
  const { store, clock } = dependencies
  const ended = () => endOf(dependencies)
  try {
    if (attempts > maximumAttempts) throw interrupted()
    const written = await write(dependencies, { next, run, signal })
    return !(await store.finish(run, { ...written, ...ended() }))
  } catch (error) {
    if (error instanceof ExportTaken) return true
    if (signal.aborted) throw error
    if (isBehind(error) && clock().getTime() - next.createdAt.getTime() < longestBehindMs)
      return !(await store.postpone(run, new Date(clock().getTime() + pauseOfBehindMs)))
    if (isTransient(error) && attempts < maximumAttempts) throw error
    const { code, detail } = isMintlineError(error) ? error : unexpected
    const isTaken = !(await store.fail(run, { code, detail, ...ended() }))
    // For the log.
    if (!isMintlineError(error)) throw error
    return isTaken
  }
}

/** A crash leaves a file that is not whole, and that nobody is shown: the next run begins anew. */
async function write(
  dependencies: ExportRunDependencies,
  { next, run, signal }: Omit<Attempt, 'attempts'>
): Promise<Written> {
  const { store, openList, maximumOctets, isReserveTouched } = dependencies
  const { of: name, format } = next
  const list = openList(next)
  const about = await list.estimate().catch(unlessTooBroad)
  if (about !== undefined) await store.tellAbout(run, about)
  const file = new ExportFile(store, run, maximumOctets - (await store.measure()))
  const detached = new Set<string>()
  await using encoder = openEncoder({ format, name, columns: list.columns })
  for (let cursor: string | undefined; ;) {
    if (signal.aborted) throw interrupted()
    if (isReserveTouched()) throw noRoom()
    const begunAt = performance.now()
    const { items, nextCursor, detachedMonths = [] } = await readPage(list, cursor)
    for (const month of detachedMonths) detached.add(month)
    await file.add(await encoder.add(items), items.length)
    if (file.rows > maximumRows) throw tooManyRows()
    if (nextCursor === undefined) break
    cursor = nextCursor
    await pause((performance.now() - begunAt) * pauseShare)
  }
  await file.add(await encoder.end(), 0)
  // Waited for here: the thread is ended meanwhile, and a failure would be nobody's.
  const sha256 = await file.end()
  return { sha256, detachedMonths: [...detached].sort().toReversed() }
}

/** How many there are about is told where it is known. */
function unlessTooBroad(error: unknown): undefined {
  if (!isMintlineError(error, 'search_too_broad')) throw error
}

/** A page that was late, since a disk stalled or others had much to do, is not the next time. */
async function readPage(list: ExportList, cursor: string | undefined) {
  for (let tries = 1; ; tries++) {
    try {
      return await list.read(cursor)
    } catch (error) {
      if (tries === mostTries || !isMintlineError(error, 'search_too_broad')) throw error
      await pause(tries * pauseOfTryMs)
    }
  }
}

function endOf({ clock, keptDays }: ExportRunDependencies) {
  const endedAt = clock()
  return { endedAt, expiresAt: new Date(endedAt.getTime() + keptDays * dayMs) }
}

const unexpected = {
  code: 'internal_error',
  detail: 'It failed for an unexpected reason, which the log of the service has.'
} as const

/** It filters by what is still being filled in. */
const isBehind = (error: unknown) => isMintlineError(error, 'search_behind')

/** What the next try may not meet. */
function isTransient(error: unknown): boolean {
  return !isMintlineError(error) || transientCodes.includes(error.code)
}

const transientCodes: readonly string[] = [
  'database_unavailable',
  'overloaded',
  'internal_error',
  'job_interrupted'
]

function interrupted(): MintlineError {
  return new MintlineError(
    'job_interrupted',
    'The service stopped while it made the export, again and again. Ask for it once more, or for fewer rows with `from` and `to`.'
  )
}

function noRoom(): MintlineError {
  return new MintlineError(
    'export_no_room',
    'The database has no room to spare for exports: less than its reserve is free. Tell the administrator to make room, delete exports that nobody needs (DELETE /v1/exports/{id}), and ask for it once more.'
  )
}

function tooManyRows(): MintlineError {
  return new MintlineError(
    'export_too_large',
    `It has more than ${maximumRows} rows. Ask for it in parts, with \`from\` and \`to\`.`
  )
}
