import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { UsageError } from '../command.ts'
import { KeepingError, writeWhole } from '../enroll/keeping/keeping.ts'

/** Which export a file that is not whole belongs to. */
export interface PartState {
  /** What was asked for: a part of anything else is begun anew. */
  readonly asked: string
  /** Before which what is in it came on record; undefined for one that the service makes. */
  readonly to?: string
  /** When the first of its rows were read. */
  readonly readSince?: string | undefined
  /** Of which it has nothing so far, since they are detached, as `2026-01`. */
  readonly detachedMonths?: readonly string[]
  /** Of one that the service makes. */
  readonly exportId?: string
}

/** Nobody else is to read it: it names devices and people. */
const onlyOwner = 0o600

/** A file on its way, beside its place; a kill leaves it for the next run. */
export class Part {
  readonly output: string
  readonly #file: FileHandle
  #hash: Hash = createHash('sha256')
  #octets = 0

  private constructor(output: string, file: FileHandle) {
    this.output = output
    this.#file = file
  }

  /** @throws KeepingError */
  static async open(output: string): Promise<Part> {
    const path = `${output}.part`
    // Opened to be read and written where it is; made where it is not.
    const file = await keeping(path, () => open(path, 'a+', onlyOwner))
    return new Part(output, file)
  }

  get octets(): number {
    return this.#octets
  }

  /**
   * Takes what is there already, from its beginning.
   *
   * @param take says how much of it so far is kept.
   */
  async replay(take: (octets: Uint8Array) => Uint8Array): Promise<void> {
    this.#hash = createHash('sha256')
    this.#octets = 0
    const buffer = Buffer.alloc(1024 * 1024)
    for (let position = 0; ;) {
      const { bytesRead } = await this.#read(buffer, position)
      if (bytesRead === 0) break
      position += bytesRead
      this.#note(take(Uint8Array.from(buffer.subarray(0, bytesRead))))
    }
    await keeping(this.output, () => this.#file.truncate(this.#octets))
  }

  /** @throws KeepingError */
  async append(octets: Uint8Array): Promise<void> {
    if (octets.length === 0) return
    await keeping(this.output, () => this.#file.appendFile(octets))
    this.#note(octets)
  }

  async empty(): Promise<void> {
    this.#hash = createHash('sha256')
    this.#octets = 0
    await keeping(this.output, () => this.#file.truncate(0))
  }

  /** In hex, of what is there. */
  sha256(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Puts it in its place. @throws KeepingError */
  async finish(): Promise<void> {
    await keeping(this.output, async () => {
      await this.#file.sync()
      await rename(`${this.output}.part`, this.output)
      await using parent = await open(dirname(this.output))
      // Not every file system can.
      await parent.sync().catch(() => undefined)
      await rm(stateOf(this.output), { force: true })
    })
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  #read(buffer: Buffer, position: number) {
    return keeping(this.output, () => this.#file.read(buffer, 0, buffer.length, position))
  }

  #note(octets: Uint8Array): void {
    this.#hash.update(octets)
    this.#octets += octets.length
  }
}

const stateOf = (output: string) => `${output}.part.json`

/** Undefined where there is none, or one of something else. */
async function readPartState(output: string, asked: string): Promise<PartState | undefined> {
  try {
    const state = JSON.parse(await readFile(stateOf(output), 'utf8')) as Partial<PartState>
    const { to, exportId, readSince, detachedMonths = [] } = state
    const isOurs =
      [to, exportId, readSince].every(each => each === undefined || typeof each === 'string') &&
      Array.isArray(detachedMonths)
    return state.asked === asked && isOurs ? (state as PartState) : undefined
  } catch {
    return undefined
  }
}

/**
 * What an earlier run of the same has left, if any. What there is of another export may have taken hours, and is not thrown away
 * for this one.
 *
 * @throws UsageError that names it.
 */
export async function findOwnPart(output: string, asked: string): Promise<PartState | undefined> {
  const own = await readPartState(output, asked)
  if (own !== undefined) return own
  const { size } = await stat(`${output}.part`).catch(() => ({ size: 0 }))
  if (size === 0) return undefined
  throw new UsageError(
    `--output: ${output}.part has ${size} octets of another export${await describeOther(output)}. Run that one again in the same way, name another file, or remove ${output}.part and ${stateOf(output)}.`
  )
}

/** Its address, list, format and filters, as far as its state can be read. */
async function describeOther(output: string): Promise<string> {
  try {
    const { asked } = JSON.parse(await readFile(stateOf(output), 'utf8')) as { readonly asked: string }
    const [url, of, format, filter] = JSON.parse(asked) as [
      string,
      string,
      string,
      (readonly [string, readonly string[]])[]
    ]
    const filters = filter.flatMap(([name, values]) => values.map(value => ` --filter ${name}=${value}`))
    return ` (--url ${url} --of ${of} --format ${format}${filters.join('')})`
  } catch {
    return ''
  }
}

/** With who is at it, for people. @throws KeepingError */
export async function writePartState(output: string, state: PartState): Promise<void> {
  const by = `process ${process.pid} on ${hostname()}`
  await writeWhole(stateOf(output), `${JSON.stringify({ ...state, by })}\n`, onlyOwner)
}

/** Takes away what a run leaves that has got nothing. */
export async function removeEmptyPart(output: string): Promise<void> {
  const { size } = await stat(`${output}.part`).catch(() => ({ size: 0 }))
  if (size > 0) return
  await rm(`${output}.part`, { force: true })
  await rm(stateOf(output), { force: true })
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false
  )
}

async function keeping<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    throw new KeepingError(`${path} cannot be written (${code})`)
  }
}
