import { readdir, readFile, stat } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { type CommandIo, UsageError } from '../command.ts'
import { spkiOf } from './answer.ts'
import { isFailure } from './asking.ts'
import { exitCodes, type Failure } from './exchange/outcome.ts'
import { type FormatName, formats, holdsKey } from './keeping/formats.ts'
import { assertWritable, writeWhole } from './keeping/keeping.ts'
import type { Progress } from './progress.ts'
import { createProgress } from './progress.ts'
import { enroll, maximumCsrBytes, type Station } from './station.ts'
import { describeFailedRequest, viewFailure } from './telling.ts'

interface ManyCsrs {
  readonly csrDirectory: string
  readonly outDirectory: string
  readonly format: FormatName
  readonly isJson: boolean
  /** Requests at once. */
  readonly concurrency: number
  /** Somebody sees the progress. */
  readonly isWatched: boolean
}

/** Of the station or the address, and not of a CSR: the next one would be answered the same. So it is with a lot. */
const commonStatuses: readonly (number | undefined)[] = [401, 403, 404, 405]

type Told = 'issued' | 'replayed' | 'kept' | Failure['kind']

/**
 * Has every `*.csr` of a directory certified, and keeps each answer under the same name. A file whose answer is there
 * already is passed over, so that a run that was cut off goes on where it ended. It stops where the next file could not fare
 * better: the service is not there, or the station is not let in.
 *
 * @returns the exit code: of what stopped it, else 3 where one was refused.
 */
export async function enrollDirectory(io: CommandIo, station: Station, many: ManyCsrs): Promise<number> {
  const { csrDirectory, outDirectory, concurrency, isWatched } = many
  const names = await listCsrs(csrDirectory)
  await assertWritable('--out', outDirectory)
  const progress = createProgress(names.length, isWatched ? io.writeError : undefined)
  const counts: Record<Told, number> = {
    issued: 0,
    replayed: 0,
    kept: 0,
    refused: 0,
    busy: 0,
    unreachable: 0
  }
  const waiting = names.values()
  let stopping: Failure | undefined
  const work = async () => {
    for (const name of waiting) {
      if (stopping !== undefined) return
      const result = await enrollFile(station, many, name)
      counts[tell(io, { name, result, many, progress })] += 1
      if (typeof result === 'object' && isFailure(result) && endsAll(result)) stopping ??= result
      progress.step()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  progress.clear()
  const told = Object.entries(counts).filter(([, count]) => count > 0)
  const done = told.reduce((sum, [, count]) => sum + count, 0)
  const left = names.length - done
  const rest = left === 0 ? '' : `; ${left} were not tried: run the same again`
  io.writeError(`${told.map(([kind, count]) => `${count} ${kind}`).join(', ')} of ${names.length}${rest}\n`)
  if (stopping !== undefined) return exitCodes[stopping.kind]
  return counts.refused > 0 ? exitCodes.refused : 0
}

async function listCsrs(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--dir: ${directory} cannot be read (${error.code ?? 'unknown reason'})`)
  })
  const names = entries.filter(name => /^[^.].*\.csr$/i.test(name)).sort()
  if (names.length === 0) throw new UsageError(`--dir: ${directory} holds no *.csr`)
  const stems = names.map(name => parse(name).name)
  const twice = stems.find((stem, index) => stems.indexOf(stem) !== index)
  if (twice !== undefined)
    throw new UsageError(`--dir: two files are called ${twice}; their answers would be one`)
  return names
}

type FileResult = Awaited<ReturnType<typeof enroll>> | 'kept'

async function enrollFile(station: Station, many: ManyCsrs, name: string): Promise<FileResult> {
  const file = join(many.csrDirectory, name)
  const { size } = await stat(file)
  // Its length alone is enough to refuse it.
  const csr = size > maximumCsrBytes ? Buffer.alloc(maximumCsrBytes + 1) : await readFile(file)
  const out = outOf(many, name)
  if (await isKept(out, csr)) return 'kept'
  const result = await enroll(station, csr)
  if (!isFailure(result)) await writeWhole(out, formats[many.format].encode(result.chainDer))
  return result
}

function outOf({ outDirectory, format }: ManyCsrs, name: string): string {
  return join(outDirectory, parse(name).name + formats[format].extension)
}

/** An answer to another CSR of the same name does not count. */
async function isKept(out: string, csr: Buffer): Promise<boolean> {
  const kept = await readFile(out).catch(() => undefined)
  if (kept === undefined) return false
  try {
    return holdsKey(kept, spkiOf(csr))
  } catch {
    // What cannot be read is for the service to refuse.
    return false
  }
}

function endsAll(failure: Failure): boolean {
  if (failure.kind !== 'refused') return true
  return commonStatuses.includes(failure.status) || failure.code.startsWith('lot_')
}

interface Telling {
  readonly name: string
  readonly result: FileResult
  readonly many: ManyCsrs
  readonly progress: Progress
}

function tell(io: CommandIo, { name, result, many, progress }: Telling): Told {
  const write = (told: object) => {
    if (many.isJson) io.write(`${JSON.stringify({ csr: join(many.csrDirectory, name), ...told })}\n`)
  }
  const out = outOf(many, name)
  if (result === 'kept') {
    write({ outcome: 'kept', exitCode: 0, out })
    return 'kept'
  }
  if (isFailure(result)) {
    write(viewFailure(result))
    progress.clear()
    io.writeError(`${name}: ${describeFailedRequest(result)}\n`)
    return result.kind
  }
  const { replayed, issuanceId, certificateId } = result
  const outcome = replayed ? 'replayed' : 'issued'
  write({ outcome, exitCode: 0, out, issuanceId, certificateId })
  return outcome
}
