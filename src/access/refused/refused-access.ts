import type { AuditAct } from '../../audit/audit-act.ts'
import { type AuditEvent, buildAuditEvent } from '../../audit/audit-event.ts'
import type { DatabaseLog } from '../../database/database-log.ts'
import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'

/**
 * A request that was not let in, was refused since whoever sent it has no right to it, or asked for an act that the state
 * of what it is about does not allow.
 */
export interface RefusedAccess {
  readonly act: Extract<AuditAct, 'sign-in.refuse' | 'access.refuse' | 'act.refuse'>
  /** Address of the peer: of the proxy, where one is in between. */
  readonly source: string
  /** Who asked, as the audit names it; undefined where nobody was proven. */
  readonly actor: string | undefined
  /** What proved it, as the audit names it. */
  readonly credential: string | undefined
  readonly code: ErrorCode
  /** Method and path of the route. */
  readonly route: string
  /** Method and path as they were asked for, where the route's path names one of many; nothing that is not as its schema says. */
  readonly request: string | undefined
  readonly requestId: string
}

/** Puts on record who was refused: one audit event for each act, source, actor and credential, and minute. */
export interface RefusedAccesses {
  note(refused: RefusedAccess): void
  /** Writes what there is for the last time; what cannot be written is told and lost. */
  close(): Promise<void>
}

export interface RefusedAccessDependencies {
  readonly insert: (events: readonly AuditEvent[]) => Promise<void>
  /** Whether the database has no room to spare: then nothing is written, and the log has the number. */
  readonly storageReserve: () => boolean
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn'>
  readonly windowMs?: number
}

/** Kept apart within one window. A flood from more is one event of `source/*`. */
const maximumSources = 100
const maximumRoutes = 10
const maximumRequests = 10
/** Events that wait for a database that is away. */
const maximumUnwritten = 1_000

type Who = Pick<RefusedAccess, 'act' | 'source' | 'actor' | 'credential'>

interface Tally extends Who {
  count: number
  readonly firstAt: Date
  lastAt: Date
  requestId: string
  readonly codes: Map<ErrorCode, number>
  readonly routes: Set<string>
  readonly requests: Set<string>
}

/** A kill loses the window that it comes in. */
export function createRefusedAccesses(dependencies: RefusedAccessDependencies): RefusedAccesses {
  return new Windows(dependencies)
}

class Windows implements RefusedAccesses {
  readonly #dependencies: RefusedAccessDependencies
  readonly #windowMs: number
  readonly #tallies = new Map<string, Tally>()
  #unwritten: readonly AuditEvent[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(dependencies: RefusedAccessDependencies) {
    this.#dependencies = dependencies
    this.#windowMs = dependencies.windowMs ?? 60_000
  }

  note(refused: RefusedAccess): void {
    const tally = this.#tallyOf(refused)
    tally.count += 1
    tally.lastAt = this.#dependencies.clock()
    tally.requestId = refused.requestId
    tally.codes.set(refused.code, (tally.codes.get(refused.code) ?? 0) + 1)
    if (tally.routes.size < maximumRoutes) tally.routes.add(refused.route)
    if (refused.request !== undefined && tally.requests.size < maximumRequests)
      tally.requests.add(refused.request)
    this.#startWindow()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#write()
    clearTimeout(this.#timer)
    if (this.#unwritten.length > 0) this.#tellLost(this.#unwritten.length)
  }

  #tallyOf({ act, source, actor, credential, requestId }: RefusedAccess): Tally {
    const own = { act, source, actor, credential }
    const isKnown = this.#tallies.has(keyOf(own))
    const who =
      isKnown || this.#tallies.size < maximumSources
        ? own
        : { act, source: '*', actor: undefined, credential: undefined }
    const key = keyOf(who)
    const now = this.#dependencies.clock()
    const found = this.#tallies.get(key) ?? {
      ...who,
      count: 0,
      firstAt: now,
      lastAt: now,
      requestId,
      codes: new Map(),
      routes: new Set(),
      requests: new Set()
    }
    this.#tallies.set(key, found)
    return found
  }

  #startWindow(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#write()
    }, this.#windowMs).unref()
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNow())
    return this.#writing
  }

  async #writeNow(): Promise<void> {
    const { insert, storageReserve, log } = this.#dependencies
    const events = [...this.#unwritten, ...this.#drain()]
    if (events.length === 0) return
    this.#unwritten = []
    if (storageReserve()) return this.#tellLost(events.length)
    try {
      await insert(events)
    } catch (err) {
      this.#unwritten = events.slice(-maximumUnwritten)
      log.warn({ err }, 'who was refused cannot be put on record; it is kept for the next minute')
      if (events.length > maximumUnwritten) this.#tellLost(events.length - maximumUnwritten)
      this.#startWindow()
    }
  }

  #drain(): readonly AuditEvent[] {
    const { clock, randomBytes } = this.#dependencies
    const time = clock()
    const events = [...this.#tallies.values()].map(tally =>
      buildAuditEvent(describe(tally), { time, randomBytes })
    )
    this.#tallies.clear()
    return events
  }

  #tellLost(lost: number): void {
    this.#dependencies.log.warn({ lost }, 'who was refused could not be put on record; it is lost')
  }
}

function describe({
  act,
  source,
  actor,
  credential,
  requestId,
  ...tally
}: Tally): Omit<AuditEvent, 'id' | 'createdAt'> {
  const { count, firstAt, lastAt, codes, routes, requests } = tally
  return {
    actor: actor ?? 'unknown',
    act,
    subject: `source/${source}`,
    credential,
    requestId,
    after: {
      count,
      codes: Object.fromEntries(codes),
      routes: [...routes],
      ...(requests.size > 0 && { requests: [...requests] }),
      firstAt: firstAt.toISOString(),
      lastAt: lastAt.toISOString()
    }
  }
}

function keyOf({ act, source, actor = '', credential = '' }: Who): string {
  return `${act} ${source} ${actor} ${credential}`
}
