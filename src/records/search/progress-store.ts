import { Prisma } from '../../database/generated/client.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { firstIdentifierOf, timeOfIdentifier } from '../../sources/identifier.ts'
import { watermarkOf } from './filling/filling.ts'
import type { Ask } from './finding/search-session-store.ts'

/** How far the records are filled in, and counted with that. */
export interface SearchState {
  readonly position: string
  readonly filledAt: Date | null
  readonly databaseTime: Date
  /** Whether so many changes wait to be filled in that it takes more than a moment. */
  readonly hasBacklog: boolean
  /** Whether nothing is on record, where nothing was ever filled in. */
  readonly isEmpty: boolean
}

/** Changes that are filled in within a moment. */
const mostWaiting = 2_000
/** What is older than this is not told as if it were all. */
const behindFromMs = 60_000
const retryAfterSeconds = 10

const selectState = Prisma.sql`
  SELECT position::text AS position, filled_at AS "filledAt", clock_timestamp() AS "databaseTime",
    EXISTS (SELECT FROM search_change OFFSET ${mostWaiting}::int) AS "hasBacklog"
  FROM search_progress`

export async function readState(ask: Ask): Promise<SearchState> {
  const [row] = await ask<Omit<SearchState, 'isEmpty'>>(selectState, 'once')
  // Planned for each month that there is: asked only where it decides.
  return { ...row!, isEmpty: row!.filledAt === null && (await isNothingOnRecord(ask)) }
}

/** That nothing is on record. */
export const nothingOnRecord = Prisma.sql`NOT EXISTS (SELECT FROM intent) AND NOT EXISTS (SELECT FROM refusal)`

async function isNothingOnRecord(ask: Ask): Promise<boolean> {
  const [row] = await ask<{ isEmpty: boolean }>(Prisma.sql`SELECT ${nothingOnRecord} AS "isEmpty"`)
  return row!.isEmpty
}

/** Whether all that came before `to` is filled in, but for the last moments. @param to undefined: all there is. */
export function isFilled({ position, filledAt, databaseTime, isEmpty }: SearchState, to?: Date): boolean {
  if (filledAt === null ? isEmpty : databaseTime.getTime() - filledAt.getTime() < behindFromMs) return true
  return to !== undefined && to <= watermarkOf(position, databaseTime)
}

/** @param detail what is so, and what to do. */
export function searchBehind(detail: string): MintlineError {
  return new MintlineError('search_behind', detail, { retryAfterSeconds })
}

/**
 * For counts, of which one would not see that records are missing. To be called at the end of what is read at one moment.
 *
 * @throws MintlineError `search_behind`.
 */
export async function assertCounted(ask: Ask, to: Date | undefined): Promise<SearchState> {
  const state = await readState(ask)
  const [emptied] = await ask<{ isEmptied: boolean }>(selectEmptied)
  if (emptied!.isEmptied)
    throw searchBehind('The counts were emptied at this moment, to be made anew. Wait some seconds.')
  if (state.hasBacklog)
    throw searchBehind(
      'Many records have changed, or come back with their month, and are being counted. Wait some seconds.'
    )
  if (isFilled(state, to)) return state
  const at = watermarkOf(state.position, state.databaseTime)
  throw searchBehind(
    at.getTime() === 0
      ? 'The records are being counted anew, from the oldest on. Wait.'
      : `The records are being counted. So far, those before ${at.toISOString()} are: wait, or ask for what ends before that.`
  )
}

/**
 * A table that was emptied is empty to a moment before that, too, while the progress of that moment is the old one. What the
 * catalogue says of its file is of the moment; what the function says, of now.
 */
const selectEmptied = Prisma.sql`
  SELECT relfilenode <> pg_relation_filenode(oid) AS "isEmptied"
  FROM pg_class WHERE oid = 'public.issuance_tally'::regclass`

/** Until when all records are counted, those included that are committed late; undefined where none are yet. */
export function countedUpTo({ position, filledAt, databaseTime }: SearchState): Date | undefined {
  // Where nothing comes, what was last filled in is old and everything is counted all the same.
  const time = Math.max(timeOfIdentifier(position).getTime(), filledAt?.getTime() ?? 0)
  return time === 0 ? undefined : watermarkOf(firstIdentifierOf(new Date(time)), databaseTime)
}
