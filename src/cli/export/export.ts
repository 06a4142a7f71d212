import { dirname } from 'node:path'
import { type CommandIo, parseFlags, UsageError, wholeNumberOf } from '../command.ts'
import { readConnectionSettings, warnWithoutTls } from '../enroll/arguments.ts'
import { createConnection } from '../enroll/exchange/connection.ts'
import { exitCodes } from '../enroll/exchange/outcome.ts'
import { assertWritable, KeepingError } from '../enroll/keeping/keeping.ts'
import { describeFailedRequest, viewFailure } from '../enroll/telling.ts'
import type { Filter } from './filter-time.ts'
import { lockOutput } from './lock.ts'
import { exportMade, type MadeFormat } from './made.ts'
import { findOwnPart, isThere, removeEmptyPart } from './part.ts'
import { createExportProgress, type ExportProgress } from './progress.ts'
import type { RowFormat } from './rows.ts'
import { createSource } from './source.ts'
import { type Exported, type Exporting, exportRows } from './streaming.ts'
import { ExportFailed } from './trying.ts'

const lists = ['issuances', 'audit-events'] as const
const formats = ['csv', 'ndjson', 'xlsx', 'parquet'] as const

export const exportUsage = `usage: mintline export --url URL --token-file FILE --of LIST --format FORMAT --output FILE [--filter NAME=VALUE]…

Writes a list of the service into a file: what is on record when it begins, newest first. What is cut off, by the network or by a kill, goes on
when it is run again in the same way, with each row once; FILE.part is what there is of it until then. Rows are as the records are when
they are read: where none of these changed meanwhile, the file is the same, and its SHA-256. Shows its progress on a terminal.

  --url URL          the service, such as https://mintline.factory.example
  --token-file FILE  its first line is a token of the role auditor, operator or admin
  --ca-file FILE     PEM of the CA that signed the server's certificate, where it is none that everybody knows
  --of LIST          ${lists.join(' or ')}
  --format FORMAT    csv or ndjson, as the service streams them; xlsx or parquet, which the service makes first (POST /v1/exports)
  --output FILE      where it goes; there must be none yet
  --filter NAME=VALUE
                     what the list is asked for, by the names of its query, such as station=station-7 or from=2026-11-01; once for each
  --deadline SECONDS how long to try without getting on, 120 unless given. 0 is one try. A file that the
                     service makes is waited for as long as the service answers
  --json             tells what came of it as JSON

exit codes: 0 done; 1 the file cannot be written; 2 the arguments are wrong; 3 refused; 4 the service is busy, run it again later; 5 the service cannot
be reached, or what answers is not the service
`

const text = { type: 'string' } as const

function parseExportFlags(args: readonly string[]) {
  return parseFlags(args, {
    url: text,
    'token-file': text,
    'ca-file': text,
    of: text,
    format: text,
    output: text,
    filter: { ...text, multiple: true },
    deadline: text,
    json: { type: 'boolean' }
  })
}

interface Io extends CommandIo {
  /** Whether somebody sees standard error. */
  readonly isWatched: boolean
}

/** @throws UsageError */
export async function runExport(io: Io, args: readonly string[]): Promise<number> {
  const flags = parseExportFlags(args)
  const { output, json: isJson = false } = flags
  const of = oneOf('--of', flags.of, lists)
  const format = oneOf('--format', flags.format, formats)
  const filter = filterOf(flags.filter)
  if (output === undefined) throw new UsageError('--output names the file')
  await assertWritable('--output', dirname(output))
  if (await isThere(output))
    throw new UsageError(`--output: ${output} is there already. Name another file, or remove it.`)
  const settings = await readConnectionSettings(flags)
  warnWithoutTls(io, settings)
  const progress = createExportProgress(io.isWatched && !isJson ? io.writeError : undefined)
  const [connection, source] = [createConnection(settings), createSource(settings)]
  const asked = JSON.stringify([settings.url.href, of, format, [...filter].sort()])
  const asking: Omit<Exporting, 'known'> = {
    ...{ source, of, filter, output, asked, progress, isWatched: io.isWatched && !isJson },
    trying: tryingOf(io, progress, flags.deadline)
  }
  try {
    await using held = new AsyncDisposableStack()
    held.use(await lockOutput(output))
    const exporting = { ...asking, known: await findOwnPart(output, asked) }
    const exported = await (
      isMade(format) ? exportMade(exporting, connection, format) : exportRows(exporting, format)
    ).catch(async (error: unknown) => {
      // What is refused is asked for in another way.
      if (error instanceof ExportFailed && error.failure.kind === 'refused') await removeEmptyPart(output)
      throw error
    })
    progress.clear()
    tellDone(io, { output, isJson, exported })
    return 0
  } catch (error) {
    progress.clear()
    return tellFailed(io, { output, isJson, error })
  } finally {
    connection.close()
    source.close()
  }
}

function isMade(format: (typeof formats)[number]): format is MadeFormat & Exclude<typeof format, RowFormat> {
  return format === 'xlsx' || format === 'parquet'
}

function tryingOf(io: Io, progress: ExportProgress, deadline: string | undefined): Exporting['trying'] {
  return {
    deadlineMs: (deadline === undefined ? 120 : wholeNumberOf('--deadline', deadline, 86_400)) * 1_000,
    onWait(failure, waitMs) {
      progress.clear()
      const why = failure.kind === 'unreachable' ? failure.detail : failure.code
      io.writeError(`mintline export: ${why}; goes on in ${Math.ceil(waitMs / 1_000)} s\n`)
    }
  }
}

function oneOf<Name extends string>(flag: string, value: string | undefined, names: readonly Name[]): Name {
  const found = names.find(name => name === value)
  if (found !== undefined) return found
  throw new UsageError(`${flag} is one of ${names.join(', ')}`)
}

function filterOf(entries: readonly string[] = []): Filter {
  const filter = new Map<string, string[]>()
  for (const entry of entries) {
    const end = entry.indexOf('=')
    if (end < 1) throw new UsageError(`--filter is NAME=VALUE, such as station=station-7; found ${entry}`)
    const name = entry.slice(0, end)
    if (['limit', 'cursor'].includes(name))
      throw new UsageError(`--filter: ${name} is of a page, and this is the whole list`)
    filter.set(name, [...(filter.get(name) ?? []), entry.slice(end + 1)])
  }
  return filter
}

interface Done {
  readonly output: string
  readonly isJson: boolean
  readonly exported: Exported
}

function tellDone(io: Io, { output, isJson, exported }: Done): void {
  const { rows, octets, sha256, to, readSince, readUntil, resumedAt, detachedMonths } = exported
  if (isJson) {
    io.write(`${JSON.stringify({ outcome: 'exported', exitCode: 0, output, ...exported })}\n`)
    return
  }
  const resumed = resumedAt === 0 ? '' : `, gone on with at octet ${resumedAt}`
  io.write(
    `exported: ${output}, ${rows} rows on record before ${to}, ${octets} octets${resumed}\nread from ${readSince} to ${readUntil}: each row is as its record was when it was read\nSHA-256 ${sha256}\n`
  )
  if (detachedMonths.length > 0) {
    io.writeError(
      `mintline export: it has nothing of ${detachedMonths.join(', ')}: the records of these months are detached from the database. Have them attached (mintline months attach) and export those months for themselves, where they are wanted.\n`
    )
  }
}

interface Failed {
  readonly output: string
  readonly isJson: boolean
  readonly error: unknown
}

/** @throws what is no failure of an export. */
function tellFailed(io: Io, { output, isJson, error }: Failed): number {
  if (error instanceof KeepingError) {
    io.writeError(
      `mintline export: ${error.message}. Put that right and run it again: it goes on where it was.\n`
    )
    return 1
  }
  if (!(error instanceof ExportFailed)) throw error
  const { failure } = error
  if (isJson) io.write(`${JSON.stringify({ output, ...viewFailure(failure) })}\n`)
  // All but the last line, which is advice to a station.
  const told = describeFailedRequest(failure).split('\n').slice(0, -1).join('\n')
  const advice =
    failure.kind === 'refused'
      ? 'Put that right, and run it again.'
      : 'Run it again in the same way: it goes on where it was.'
  io.writeError(`mintline export: ${told}\n  ${advice}\n`)
  return exitCodes[failure.kind]
}
