import { MintlineError } from '../../errors/mintline-error.ts'
import type { Stopwatch } from '../../sources/clock.ts'

export interface FairQueueSettings {
  /** How many turns may be under way at once, of all names. */
  readonly maximumUnderWay: number
  /** How many may wait, of all names. */
  readonly maximumWaiting: number
  /** How long one may wait. */
  readonly maximumWaitMs: number
  readonly stopwatch: Stopwatch
}

/** Ends a turn. Further calls do nothing. */
export type EndTurn = () => void

/**
 * Gives turns to lanes in rotation, whoever came first: what waits in one waits for its own, and not for what others have
 * sent. Where an owner is busy and others are there, it has so few turns under way that the next of another is hardly held up
 * by them.
 */
export interface FairQueue {
  /** @throws MintlineError `overloaded` where one more would wait there for too long, or in vain. */
  assertRoom(lane: Lane): void
  /**
   * Resolves when it is the lane's turn.
   *
   * @param isGone whether who waits has gone. Asked when its turn has come.
   * @throws MintlineError `overloaded`; `request_invalid` of who has gone.
   */
  enter(lane: Lane, isGone?: () => boolean): Promise<EndTurn>
  readonly waiting: number
  /** How many have been refused with `overloaded` so far. */
  readonly refused: number
}

export interface Lane {
  /** What waits here is served in the order in which it came. */
  readonly name: string
  /** Who sends it. Of nobody in particular where it is not said. */
  readonly owner?: string
  /** How many may be under way at once; where there is an owner, only while other owners are there. */
  readonly atOnce: number
  /**
   * For how long its owner counts as there after it has sent something here. Without it only for others of whom it is not said
   * either: all else have as many turns as if they were alone.
   */
  readonly staysMs?: number
}

interface Waiter {
  readonly begin: () => void
  readonly refuse: (error: MintlineError) => void
  readonly isGone: () => boolean
}

interface OpenLane extends Lane {
  readonly waiting: Set<Waiter>
  underWay: number
}

/** For how long one counts as there for others of whom it is not said. */
const guestStaysMs = 2_000
/** Of what a turn took, in the mean by which waits are foretold. */
const weightOfNewest = 0.05

export function createFairQueue(settings: FairQueueSettings): FairQueue {
  return new Turns(settings)
}

class Turns implements FairQueue {
  readonly #settings: FairQueueSettings
  /** Those that have turns under way or wait for some. */
  readonly #lanes = new Map<string, OpenLane>()
  /** Those that wait; the first is next. */
  readonly #rotation = new Set<OpenLane>()
  readonly #presence = new Presence()
  /** Of those who count for each other alone. */
  readonly #guests = new Presence()
  #underWay = 0
  #waiting = 0
  #meanMs = 0
  #refused = 0

  constructor(settings: FairQueueSettings) {
    this.#settings = settings
  }

  get waiting(): number {
    return this.#waiting
  }

  get refused(): number {
    return this.#refused
  }

  assertRoom({ name }: Lane): void {
    const lane = this.#lanes.get(name)
    if (lane === undefined || lane.waiting.size === 0) return
    const waitMs = (lane.waiting.size * this.#meanMs) / this.#most(lane)
    if (waitMs > this.#settings.maximumWaitMs) throw this.#tooBusy(waitMs)
    if (this.#waiting >= this.#settings.maximumWaiting && this.#longest() === lane)
      throw this.#tooBusy(waitMs)
  }

  async enter(asked: Lane, isGone = () => false): Promise<EndTurn> {
    this.assertRoom(asked)
    const lane = this.#lanes.get(asked.name) ?? this.#open(asked)
    const { owner, staysMs } = asked
    if (owner !== undefined) this.#note(owner, staysMs)
    if (lane.waiting.size > 0 || !this.#mayBegin(lane)) await this.#wait(lane, isGone)
    else this.#begin(lane)
    return this.#endOf(lane)
  }

  #note(owner: string, staysMs: number | undefined): void {
    const presence = staysMs === undefined ? this.#guests : this.#presence
    presence.note(owner, this.#settings.stopwatch() + (staysMs ?? guestStaysMs))
  }

  #open(asked: Lane): OpenLane {
    const lane = { ...asked, waiting: new Set<Waiter>(), underWay: 0 }
    this.#lanes.set(asked.name, lane)
    return lane
  }

  async #wait(lane: OpenLane, isGone: () => boolean): Promise<void> {
    const { maximumWaiting, maximumWaitMs } = this.#settings
    // Its place is taken from who has the most of them.
    if (this.#waiting >= maximumWaiting) this.#dropNewest(this.#longest())
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter = { begin: resolve, refuse: reject, isGone }
    lane.waiting.add(waiter)
    this.#rotation.add(lane)
    this.#waiting++
    const deadline = setTimeout(() => this.#refuse(lane, waiter, this.#tooBusy(maximumWaitMs)), maximumWaitMs)
    await promise.finally(() => clearTimeout(deadline))
  }

  #begin(lane: OpenLane): void {
    lane.underWay++
    this.#underWay++
  }

  #endOf(lane: OpenLane): EndTurn {
    const begunAt = this.#settings.stopwatch()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#meanMs += (this.#settings.stopwatch() - begunAt - this.#meanMs) * weightOfNewest
      lane.underWay--
      this.#underWay--
      this.#giveTurns()
      this.#forgetIdle(lane)
    }
  }

  #giveTurns(): void {
    // A lane that is put behind the others is come to again, until none of them may begin.
    for (const lane of this.#rotation) {
      if (this.#underWay >= this.#settings.maximumUnderWay) return
      if (!this.#mayBegin(lane)) continue
      this.#rotation.delete(lane)
      this.#rotation.add(lane)
      const [waiter] = lane.waiting
      if (waiter!.isGone()) this.#refuse(lane, waiter!, goneMeanwhile())
      else {
        this.#begin(lane)
        this.#remove(lane, waiter!)
        waiter!.begin()
      }
    }
  }

  #mayBegin(lane: OpenLane): boolean {
    return this.#underWay < this.#settings.maximumUnderWay && lane.underWay < this.#most(lane)
  }

  #most({ owner, atOnce, staysMs }: Lane): number {
    if (owner === undefined) return atOnce
    const { maximumUnderWay, stopwatch } = this.#settings
    const now = stopwatch()
    const isBesideGuest = staysMs === undefined && this.#guests.hasOther(owner, now)
    return isBesideGuest || this.#presence.hasOther(owner, now) ? atOnce : maximumUnderWay
  }

  #refuse(lane: OpenLane, waiter: Waiter, error: MintlineError): void {
    if (!lane.waiting.has(waiter)) return
    this.#remove(lane, waiter)
    waiter.refuse(error)
  }

  #remove(lane: OpenLane, waiter: Waiter): void {
    lane.waiting.delete(waiter)
    this.#waiting--
    if (lane.waiting.size > 0) return
    this.#rotation.delete(lane)
    this.#forgetIdle(lane)
  }

  #forgetIdle(lane: OpenLane): void {
    if (lane.underWay === 0 && lane.waiting.size === 0) this.#lanes.delete(lane.name)
  }

  #longest(): OpenLane | undefined {
    let longest: OpenLane | undefined
    for (const lane of this.#rotation) {
      if (longest === undefined || lane.waiting.size > longest.waiting.size) longest = lane
    }
    return longest
  }

  #dropNewest(lane: OpenLane | undefined): void {
    const newest = lane && [...lane.waiting].at(-1)
    if (newest !== undefined) this.#refuse(lane!, newest, this.#tooBusy(this.#settings.maximumWaitMs))
  }

  #tooBusy(waitMs: number): MintlineError {
    this.#refused++
    const retryAfterSeconds = Math.min(30, Math.max(1, Math.ceil(waitMs / 1_000)))
    return new MintlineError(
      'overloaded',
      `More was sent under this name than is done at once, and this request would wait for too long. Send the same request again in ${retryAfterSeconds} s, and fewer at a time.`,
      { retryAfterSeconds }
    )
  }
}

interface Stay {
  readonly name: string
  readonly until: number
}

/** The two names that stay longest, which is enough to know whether there is another than a given one. */
class Presence {
  #longest: readonly Stay[] = []

  note(name: string, until: number): void {
    const known = this.#longest.find(stay => stay.name === name)
    if (known !== undefined && known.until >= until) return
    const others = this.#longest.filter(stay => stay !== known)
    this.#longest = [...others, { name, until }].sort((a, b) => b.until - a.until).slice(0, 2)
  }

  hasOther(name: string, now: number): boolean {
    return this.#longest.some(stay => stay.name !== name && stay.until >= now)
  }
}

function goneMeanwhile(): MintlineError {
  return new MintlineError(
    'request_invalid',
    'The connection was lost before it was the turn of the request.'
  )
}
