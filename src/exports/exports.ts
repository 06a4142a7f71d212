import type { VerbOf } from '../audit/audit-act.ts'
import type { Act } from '../audit/audit-event.ts'
import { buildAuditEvent } from '../audit/audit-event.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import type { JobQueue } from '../jobs/queue.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import { type Page, readPage } from '../sources/page.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { AskedExport, Export, OpenExportList } from './export.ts'
import type { ExportLimits, ExportQuery, ExportStore } from './export-store.ts'

/** Lists as files: asked for, made in the background, and read. */
export interface Exports {
  /**
   * Durable when it resolves; it is made in its turn.
   *
   * @throws MintlineError `request_invalid` as the list; `export_limit_reached`; `token_invalid`.
   */
  create(asked: AskedExport, act: Act): Promise<Export>
  /** @throws MintlineError `export_not_found`. */
  find(id: string): Promise<Export>
  /** Newest first. */
  list(query: ExportQuery): Promise<Page<Export>>
  /** Its file is gone with it, and what makes it stops. @throws MintlineError `export_not_found`. */
  remove(id: string, act: Act): Promise<void>
  /**
   * Notes who reads it.
   *
   * @throws MintlineError `export_not_ready` for what is not done; `export_expired`.
   */
  open(found: Export, act: Act): Promise<OpenExport>
}

/** A file that can be read. */
export interface OpenExport {
  readonly octets: number
  readonly sha256: Uint8Array
  /** Some octets from the offset on, which is within the file. @throws MintlineError `export_expired` when they went meanwhile. */
  read(offset: number): Promise<Uint8Array>
}

export interface ExportsDependencies {
  readonly store: ExportStore
  readonly openList: OpenExportList
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const limits: ExportLimits = { openOfOne: 5, open: 50, keptOfOne: 20 }

/** A file that is read in parts is read once. */
const readingMs = 60 * 60_000

export function createExports({ store, openList, jobs, clock, randomBytes }: ExportsDependencies): Exports {
  const eventOf = (
    act: Act,
    name: VerbOf<'export'>,
    more: { readonly id: string; readonly after?: object }
  ) => {
    const { id, ...rest } = more
    return buildAuditEvent(
      { ...act, act: `export.${name}`, subject: `export/${id}`, ...rest },
      { time: clock(), randomBytes }
    )
  }
  let last: Promise<unknown> = Promise.resolve()
  /** Of many that come at once one has a connection: they would wait for each other there, and stations for them. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
  return {
    async create(asked, act) {
      const createdAt = clock()
      // What cannot be asked for is refused here.
      openList({ ...asked, createdAt })
      const id = newId(createdAt, randomBytes)
      const made: Export = { ...asked, ...fresh, id, createdAt, createdBy: act.actor }
      const { of, format, filter, fields, lines } = asked
      const event = eventOf(act, 'create', { id, after: { of, format, filter, fields, lines } })
      const passed = await inTurn(() => store.create(made, event, limits))
      if (passed !== undefined) throw limitReached(passed)
      // Who misses it finds the export within a minute.
      await jobs.send('export.run', {}, { now: true }).catch(() => undefined)
      return made
    },
    async find(id) {
      const found = await store.find(id)
      if (found === undefined) throw exportNotFound(id)
      return found
    },
    list: query => readPage(query, query => store.list(query)),
    async remove(id, act) {
      if (!(await store.remove(id, eventOf(act, 'delete', { id })))) throw exportNotFound(id)
      await jobs.send('export.run', {}, { now: true }).catch(() => undefined)
    },
    async open(found, act) {
      const { id, state, octets, sha256 } = found
      if (state === 'expired') throw expired(id)
      if (state !== 'done' || sha256 === undefined) throw notReady(found)
      const after = { octets, sha256: Buffer.from(sha256).toString('hex') }
      await store.noteReading(eventOf(act, 'read', { id, after }), new Date(clock().getTime() - readingMs))
      return {
        octets,
        sha256,
        async read(offset) {
          const chunk = await store.readChunk(id, offset)
          const part = chunk?.octets.subarray(offset - chunk.position)
          if (part === undefined || part.length === 0) throw expired(id)
          return part
        }
      }
    }
  }
}

const fresh = {
  state: 'waiting',
  begunAt: undefined,
  endedAt: undefined,
  expiresAt: undefined,
  rows: 0,
  aboutRows: undefined,
  octets: 0,
  sha256: undefined,
  failure: undefined,
  detachedMonths: []
} as const

export function exportNotFound(id: string): MintlineError {
  return new MintlineError(
    'export_not_found',
    `There is no export ${id}, or it is none of yours. GET /v1/exports lists those that you may read.`
  )
}

const passedLimits: Readonly<Record<keyof ExportLimits, string>> = {
  openOfOne: `${limits.openOfOne} exports under this name are not made yet. Wait for one of them.`,
  keptOfOne: `${limits.keptOfOne} exports are kept under this name. Delete one that is not needed (DELETE /v1/exports/{id}).`,
  open: `${limits.open} exports are not made yet. Wait for some of them.`
}

function limitReached(passed: keyof ExportLimits): MintlineError {
  return new MintlineError('export_limit_reached', passedLimits[passed], { retryAfterSeconds: 60 })
}

function expired(id: string): MintlineError {
  return new MintlineError('export_expired', `The file of the export ${id} is gone. Ask for it anew.`)
}

function notReady({ id, state, failure }: Export): MintlineError {
  if (state === 'failed' && failure !== undefined) {
    return new MintlineError(
      'export_not_ready',
      `The export ${id} failed (${failure.code}) and has no file: ${failure.detail}`
    )
  }
  return new MintlineError(
    'export_not_ready',
    `The export ${id} is not made yet: it is ${state}. GET /v1/exports/${id} tells when it is done.`,
    { retryAfterSeconds: 2 }
  )
}
