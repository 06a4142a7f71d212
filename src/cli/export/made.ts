import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection } from '../enroll/exchange/connection.ts'
import { exchange } from '../enroll/exchange/exchange.ts'
import { type Failure, outcomeOfError } from '../enroll/exchange/outcome.ts'
import { KeepingError } from '../enroll/keeping/keeping.ts'
import { timeOf } from './filter-time.ts'
import { Part, writePartState } from './part.ts'
import { readSmall } from './source.ts'
import { type Exported, type Exporting, failureOf } from './streaming.ts'
import { ExportFailed, goOn } from './trying.ts'

export type MadeFormat = 'xlsx' | 'parquet'

/** What is read of an export of the service. */
interface Made {
  readonly id: string
  readonly state: string
  readonly createdAt: string
  readonly begunAt?: string
  readonly endedAt?: string
  readonly rows: number
  readonly aboutRows?: number
  readonly octets: number
  readonly sha256?: string
  readonly failure?: { readonly code: string; readonly detail: string }
  readonly detachedMonths?: readonly string[]
}

const askAgainMs = 1_000

/**
 * Has the service make the file, and reads it, going on where that is cut off.
 *
 * @throws ExportFailed, KeepingError.
 */
export async function exportMade(
  exporting: Exporting,
  connection: Connection,
  format: MadeFormat
): Promise<Exported> {
  const { output, asked, progress } = exporting
  const made = await untilDone(exporting, connection, await beginOrFind(exporting, connection, format))
  await writePartState(output, { asked, exportId: made.id })
  const part = await Part.open(output)
  try {
    await part.replay(octets => octets)
    if (part.octets > made.octets) await part.empty()
    const resumedAt = part.octets
    const tell = () =>
      progress.tell(Math.floor(part.octets / 1024), 'KiB', part.octets / Math.max(made.octets, 1))
    await goOn(
      () => readOn(exporting, { made, part, tell }),
      () => part.octets,
      exporting.trying
    )
    const sha256 = part.sha256()
    if (sha256 !== made.sha256) {
      await part.empty()
      throw new KeepingError(`${output} would not be what was made (its SHA-256 is another)`)
    }
    await part.finish()
    // It has been read: who keeps it has it here. Where that fails, it expires.
    await ask(exporting, connection, { method: 'DELETE', path: `/v1/exports/${made.id}` }).catch(
      () => undefined
    )
    const { rows, createdAt, begunAt: readSince = createdAt, endedAt: readUntil = createdAt } = made
    const { detachedMonths = [] } = made
    const to = endOf(exporting, createdAt)
    return { rows, octets: part.octets, sha256, to, readSince, readUntil, resumedAt, detachedMonths }
  } finally {
    await part.close()
  }
}

/** The end of the filter, where it was over when the file was asked for. */
function endOf({ filter }: Exporting, createdAt: string): string {
  const given = timeOf(filter, 'to')
  return given < new Date(createdAt) ? given.toISOString() : createdAt
}

/** The one that an earlier run asked for, as long as it can be read; else a new one. */
async function beginOrFind(exporting: Exporting, connection: Connection, format: MadeFormat): Promise<Made> {
  const { output, asked, of, filter, known } = exporting
  if (known?.exportId !== undefined) {
    const found = await findMade(exporting, connection, known.exportId)
    if (found !== undefined && !['failed', 'expired'].includes(found.state)) return found
  }
  const { fields, ...names } = Object.fromEntries(
    [...filter].map(([name, values]) => [name, values.length === 1 ? values[0] : values])
  )
  const named = typeof fields === 'string' ? fields.split(',').map(name => name.trim()) : fields
  const body = Buffer.from(JSON.stringify({ of, format, filter: names, fields: named }))
  const made = await ask(exporting, connection, { method: 'POST', path: '/v1/exports', body })
  const part = await Part.open(output)
  await part.empty().finally(() => part.close())
  await writePartState(output, { asked, exportId: made.id })
  return made
}

async function findMade(exporting: Exporting, connection: Connection, id: string): Promise<Made | undefined> {
  try {
    return await ask(exporting, connection, { method: 'GET', path: `/v1/exports/${id}` })
  } catch (error) {
    if (error instanceof ExportFailed && error.failure.kind === 'refused') return undefined
    throw error
  }
}

async function untilDone(exporting: Exporting, connection: Connection, begun: Made): Promise<Made> {
  for (let made = begun; ; await delay(askAgainMs)) {
    made = await ask(exporting, connection, { method: 'GET', path: `/v1/exports/${made.id}` })
    const { state, rows, aboutRows, failure } = made
    if (state === 'done') return made
    if (state === 'failed' || state === 'expired') {
      const told = failure ?? { code: 'export_expired', detail: 'It was made, and is gone.' }
      throw new ExportFailed({ kind: 'refused', ...told, violations: [] })
    }
    if (state === 'waiting') exporting.progress.say('waits for its turn')
    else
      exporting.progress.tell(
        rows,
        'rows',
        aboutRows === undefined ? undefined : rows / Math.max(aboutRows, rows, 1)
      )
  }
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: Buffer
}

/** @throws ExportFailed */
async function ask({ trying }: Exporting, connection: Connection, asked: Asked): Promise<Made> {
  const { deadlineMs, onWait } = trying
  const outcome = await exchange(
    connection,
    {
      ...asked,
      headers: { accept: 'application/json', ...(asked.body && { 'content-type': 'application/json' }) }
    },
    { deadlineMs, random: Math.random, onWait: (failure, waitMs) => onWait(failure as Failure, waitMs) }
  )
  if (outcome.kind !== 'answered') throw new ExportFailed(outcome)
  return (asked.method === 'DELETE' ? {} : JSON.parse(outcome.body.toString())) as Made
}

interface Reading {
  readonly made: Made
  readonly part: Part
  readonly tell: () => void
}

/** @returns what stopped it; undefined when all of it is here. */
async function readOn({ source }: Exporting, { made, part, tell }: Reading): Promise<Failure | undefined> {
  if (part.octets === made.octets) return undefined
  const etag = `"${made.sha256}"`
  const range = part.octets === 0 ? {} : { range: `bytes=${part.octets}-`, 'if-range': etag }
  try {
    const answer = await source.open(`/v1/exports/${made.id}/content`, range)
    if (![200, 206].includes(answer.statusCode ?? 0)) return failureOf(answer, await readSmall(answer))
    // Something on the way does not know ranges.
    if (answer.statusCode === 200 && part.octets > 0) await part.empty()
    await readAll(answer, part, tell)
    return part.octets === made.octets
      ? undefined
      : { kind: 'unreachable', detail: 'the file was cut off', isLasting: false }
  } catch (error) {
    if (error instanceof KeepingError) throw error
    return outcomeOfError(error) as Failure
  }
}

async function readAll(answer: IncomingMessage, part: Part, tell: () => void): Promise<void> {
  for await (const octets of answer as AsyncIterable<Buffer>) {
    await part.append(octets)
    tell()
  }
}
