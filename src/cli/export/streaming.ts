import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { timeOfIdentifier } from '../../sources/identifier.ts'
import { parseRetryAfter } from '../enroll/exchange/connection.ts'
import { type Failure, outcomeOfError, outcomeOfReply } from '../enroll/exchange/outcome.ts'
import { KeepingError } from '../enroll/keeping/keeping.ts'
import { type Filter, timeOf } from './filter-time.ts'
import { Part, type PartState, writePartState } from './part.ts'
import type { ExportProgress } from './progress.ts'
import { ReadingTime } from './reading-time.ts'
import { type RowFormat, RowScanner } from './rows.ts'
import { readSmall, type Source } from './source.ts'
import { goOn, type Trying } from './trying.ts'

export interface Exporting {
  readonly source: Source
  readonly of: string
  readonly filter: Filter
  readonly output: string
  /** What is asked for, as text: what was begun for the same is gone on with. */
  readonly asked: string
  /** What an earlier run of the same has left. */
  readonly known: PartState | undefined
  readonly trying: Trying
  readonly progress: ExportProgress
  readonly isWatched: boolean
}

export interface Exported {
  readonly rows: number
  readonly octets: number
  readonly sha256: string
  /** What came on record before: the end of the filter where that was over, else when it began. */
  readonly to: string
  /** When its rows were read, by the clock of the service. Each is as it was then. */
  readonly readSince: string
  readonly readUntil: string
  /** Octets that were there from an earlier run. */
  readonly resumedAt: number
  /** Months of which it has nothing, since they are detached from the database, as `2026-01`. */
  readonly detachedMonths: readonly string[]
}

const accepted = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const
/** What was asked for by then is on record, or refused. */
const settledAfterMs = 3_000

/**
 * Writes the list as the service streams it, and goes on from the last whole row where that is cut off: the file has the same
 * records as without a cut, since it ends at a time. Rows are as the records are when they are read.
 *
 * @throws ExportFailed, KeepingError.
 */
export async function exportRows(exporting: Exporting, format: RowFormat): Promise<Exported> {
  const { output, asked, known } = exporting
  const to = known?.to ?? (await chooseEnd(exporting))
  const part = await Part.open(output)
  try {
    if (known?.to === undefined) await part.empty()
    const detached = new Set(known?.detachedMonths)
    const reading = new ReadingTime(known?.readSince)
    const keepState = () =>
      writePartState(output, { asked, to, detachedMonths: [...detached], readSince: reading.since })
    await keepState()
    const scanner = new RowScanner(format)
    await part.replay(octets => scanner.add(octets))
    const resumedAt = part.octets
    const oldest = exporting.isWatched ? await findOldest(exporting, to) : undefined
    const tell = () => exporting.progress.tell(scanner.rows, 'rows', shareOf(scanner, oldest, to))
    // Months of what is still to come alone: an earlier run was told of the others.
    const begin = async ({ headers }: IncomingMessage) => {
      reading.begin(headers.date)
      for (const month of monthsOf(headers)) detached.add(month)
      await keepState()
    }
    await goOn(
      () => readOn(exporting, { part, scanner, to, format, tell, begin }),
      () => part.octets,
      exporting.trying
    )
    const sha256 = part.sha256()
    await part.finish()
    const detachedMonths = [...detached].sort().toReversed()
    const { since: readSince = to, until: readUntil } = reading
    const { rows } = scanner
    return { rows, octets: part.octets, sha256, to, readSince, readUntil, resumedAt, detachedMonths }
  } finally {
    await part.close()
  }
}

interface Reading {
  readonly part: Part
  readonly scanner: RowScanner
  readonly to: string
  readonly format: RowFormat
  readonly tell: () => void
  /** Told of each answer that is to be read. */
  readonly begin: (answer: IncomingMessage) => Promise<void>
}

function monthsOf({ 'mintline-detached-months': months }: IncomingMessage['headers']): readonly string[] {
  return typeof months === 'string' ? months.split(', ') : []
}

/** @returns what stopped it; undefined at the end of the list. */
async function readOn(
  exporting: Exporting,
  { part, scanner, to, format, tell, begin }: Reading
): Promise<Failure | undefined> {
  const { source, of, filter } = exporting
  scanner.dropRest()
  const { cursor } = scanner
  const query = queryOf(filter, { to, ...(cursor !== undefined && { cursor }) })
  const octetsBefore = part.octets
  const header = part.octets > 0 && format === 'csv' ? ';header=absent' : ''
  try {
    const answer = await source.open(`/v1/${of}?${query.toString()}`, { accept: accepted[format] + header })
    if (answer.statusCode !== 200) return failureOf(answer, await readSmall(answer))
    if (!isOfType(answer, accepted[format])) return foreign
    await begin(answer)
    for await (const octets of answer as AsyncIterable<Buffer>) {
      await part.append(scanner.add(octets))
      tell()
    }
    const isWhole = scanner.restOctets === 0 && (tellsItsEnd(answer) || part.octets === octetsBefore)
    return isWhole ? undefined : cutOff
  } catch (error) {
    if (error instanceof KeepingError) throw error
    return outcomeOfError(error) as Failure
  }
}

const cutOff: Failure = { kind: 'unreachable', detail: 'the answer was cut off', isLasting: false }
const foreign: Failure = {
  kind: 'unreachable',
  detail: 'what answers there is not Mintline, or an older one: it does not answer in rows. Check --url.',
  isLasting: true
}

/** Where something on the way takes that off, a cut looks like the end: the list is asked for more until there is none. */
function tellsItsEnd({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined
}

function isOfType(answer: IncomingMessage, type: string): boolean {
  return answer.headers['content-type']?.startsWith(type) === true
}

export function failureOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer): Failure {
  const retryAfterSeconds = parseRetryAfter(headers['retry-after'], new Date())
  const outcome = outcomeOfReply({ status: statusCode, retryAfterSeconds, body })
  return outcome.kind === 'answered' ? foreign : outcome
}

function queryOf(filter: Exporting['filter'], more: Readonly<Record<string, string>>): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, values] of filter)
    for (const value of values) if (name !== 'to') query.append(name, value)
  for (const [name, value] of Object.entries(more)) query.set(name, value)
  return query
}

/** That of the filter, which the service judges, where it is over; else now, by the clock of the service, once what was under way is on record. */
async function chooseEnd({ source, of, filter, trying }: Exporting): Promise<string> {
  const ends = filter.get('to') ?? []
  const zones = filter.get('zone') ?? []
  const asked = new URLSearchParams([
    ['limit', '1'],
    ...ends.map(end => ['to', end]),
    ...zones.map(zone => ['zone', zone])
  ])
  const path = ends.length === 0 ? '/v1/self' : `/v1/${of}?${asked.toString()}`
  let now = new Date()
  await goOn(
    async () => {
      try {
        const answer = await source.open(path, { accept: 'application/json' })
        const body = await readSmall(answer)
        if (answer.statusCode !== 200) return failureOf(answer, body)
        // It tells whole seconds: up to the end of this one.
        now = new Date(Date.parse(answer.headers.date ?? '') + 1_000)
        return Number.isNaN(now.getTime()) ? foreign : undefined
      } catch (error) {
        return outcomeOfError(error) as Failure
      }
    },
    () => 0,
    trying
  )
  const given = timeOf(filter, 'to')
  if (given < now) return given.toISOString()
  await delay(settledAfterMs)
  return now.toISOString()
}

const earliest = Date.UTC(2020, 0, 1)
const closeEnoughMs = 60 * 60_000

/** About when the first of the list came on record, for how far it is; undefined where that is not to be found. */
async function findOldest({ source, of, filter }: Exporting, to: string): Promise<number | undefined> {
  const from = timeOf(filter, 'from').getTime()
  if (!Number.isNaN(from)) return from
  let [before, since] = [earliest, new Date(to).getTime()]
  try {
    while (since - before > closeEnoughMs) {
      const middle = Math.floor((before + since) / 2)
      const answer = await source.open(`/v1/${of}?limit=1&to=${new Date(middle).toISOString()}`, {
        accept: 'application/json'
      })
      const { items } = JSON.parse((await readSmall(answer)).toString()) as {
        readonly items: readonly unknown[]
      }
      if (items.length > 0) since = middle
      else before = middle
    }
    return before
  } catch {
    return undefined
  }
}

/** By the time that has been walked through: what is on record is taken for even. */
function shareOf(scanner: RowScanner, oldest: number | undefined, to: string): number | undefined {
  const { cursor } = scanner
  const end = new Date(to).getTime()
  if (cursor === undefined || oldest === undefined || end <= oldest) return undefined
  return (end - timeOfIdentifier(cursor).getTime()) / (end - oldest)
}
