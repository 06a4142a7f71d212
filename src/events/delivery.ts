import { MintlineError } from '../errors/mintline-error.ts'
import { type Clock, systemStopwatch } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { buildCloudEvent } from './cloud-event.ts'
import { isTold, longestPauseMs, type MuteEvent, type OutboxStore, type OwedEvent } from './outbox-store.ts'
import type { Outcome, Receiver } from './receiver/receiver.ts'

export interface DeliveryDependencies {
  readonly outbox: Pick<
    OutboxStore,
    | 'findSource'
    | 'takeBatch'
    | 'listDue'
    | 'dissolve'
    | 'postpone'
    | 'remove'
    | 'recordFailure'
    | 'recordObstacle'
    | 'countFailure'
    | 'backlog'
  >
  readonly receiver: Receiver
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

interface Failed {
  readonly event: OwedEvent
  readonly outcome: Outcome
}

const batchSize = 100
/** Shorter than a job may take; the rest is for the next one. */
const longestRunMs = 10 * 60_000
const firstPauseMs = 30_000
/** Of one batch, before it is sent one by one for an answer that would as a rule be the same for any message. */
const failuresOfBatch = 3
/** Events that are tried one by one before the receiver counts as away: the next try begins with others. */
const probeSize = 3
/** Failures in a row after which a receiver that took others counts as gone. */
const mostInARow = 10

/**
 * Sends what is owed, oldest first, until nothing is left or `signal` is aborted. An event is struck out after the
 * receiver took it: a crash in between sends it once more, and loses none.
 *
 * A batch that the receiver does not take because of what is in it is sent one by one, so that one event that it
 * cannot stand holds up no other. Such an event is set aside: it stays owed, apart from the line, and is tried again
 * with pauses of up to an hour. Not every receiver answers what is meant for that: a batch that failed three times for
 * another reason is sent one by one as well, and what fails while others pass is set aside. So is an event whose record is
 * not there.
 *
 * @throws MintlineError `webhook_failed` when the receiver takes nothing at the moment; `database_unavailable`.
 */
export function createDelivery(dependencies: DeliveryDependencies): (signal: AbortSignal) => Promise<void> {
  const { outbox, clock, randomBytes } = dependencies
  return async signal => {
    const endMs = systemStopwatch() + longestRunMs
    const mayGoOn = () => !signal.aborted && systemStopwatch() < endMs
    const source = await outbox.findSource()
    if (source === undefined) return
    const run = new DeliveryRun(dependencies, source, signal)
    while (mayGoOn()) {
      const batch = await outbox.takeBatch(newId(clock(), randomBytes), batchSize)
      if (batch.length === 0) break
      await run.sendBatch(batch)
    }
    if (mayGoOn()) await run.sendDue()
  }
}

class DeliveryRun {
  readonly #dependencies: DeliveryDependencies
  readonly #source: string
  readonly #signal: AbortSignal

  constructor(dependencies: DeliveryDependencies, source: string, signal: AbortSignal) {
    this.#dependencies = dependencies
    this.#source = source
    this.#signal = signal
  }

  async sendBatch(taken: readonly (OwedEvent | MuteEvent)[]): Promise<void> {
    const { outbox } = this.#dependencies
    const events = taken.filter(isTold)
    if (events.length < taken.length) {
      // The rest must not go out under the id of the whole.
      await outbox.dissolve(events.map(({ position }) => position))
      return this.#setMuteAside(taken)
    }
    const outcome = await this.#send(events[0]!.batchId!, events)
    if (this.#isCutOff(outcome)) return
    if (outcome.verdict === 'accepted') return outbox.remove(events.map(({ position }) => position))
    if (outcome.verdict === 'unreachable') throw failureOf(outcome)
    if (outcome.verdict === 'unavailable') return this.#suspect(events, outcome)
    // What is left of it must not go out under the id of the whole.
    const dissolve = () => outbox.dissolve(events.map(({ position }) => position))
    const { settled, failed } = await this.#sendSingly(events, dissolve)
    if (settled === 0 && failed[0] !== undefined) {
      if (!(await this.#canGrow(events))) throw failureOf(failed[0].outcome)
      return dissolve()
    }
    for (const { event, outcome } of failed) await this.#postpone(event, outcome.detail)
  }

  /** A crash in between leaves a batch without those that were taken. */
  async #suspect(events: readonly OwedEvent[], outcome: Outcome): Promise<void> {
    const { outbox } = this.#dependencies
    const failures = await outbox.countFailure()
    if (failures < failuresOfBatch) throw failureOf(outcome)
    const dissolve = () => outbox.dissolve(events.map(({ position }) => position))
    if (await this.#canGrow(events)) return dissolve()
    const start = ((failures - failuresOfBatch) * probeSize) % events.length
    const turned = [...events.slice(start), ...events.slice(0, start)]
    const { settled, failed } = await this.#sendSingly(turned, dissolve, true)
    if (settled === 0 && !this.#signal.aborted) throw failureOf(outcome)
    for (const { event, outcome } of failed) await this.#postpone(event, outcome.detail)
  }

  /** The line does not wait for them, whatever becomes of them. */
  async sendDue(): Promise<void> {
    const due = await this.#dependencies.outbox.listDue(batchSize)
    await this.#setMuteAside(due)
    const { failed } = await this.#sendSingly(due.filter(isTold), async () => undefined)
    for (const { event, outcome } of failed) await this.#postpone(event, outcome.detail)
  }

  /**
   * Sends each by itself; a receiver that fails now and then gets what it failed at once more, as long as it takes
   * others. Those that it took or refused are settled.
   *
   * @param isSuspect that an event may be the cause of whatever the receiver answers
   * @returns how many are settled, and those at which the receiver failed to the last.
   */
  async #sendSingly(
    events: readonly OwedEvent[],
    beforeFirstSettled: () => Promise<void>,
    isSuspect = false
  ): Promise<{ readonly settled: number; readonly failed: readonly Failed[] }> {
    let settled = 0
    let failed: readonly Failed[] = []
    for (let round = events; round.length > 0;) {
      const failedNow: Failed[] = []
      const settledBefore = settled
      let inARow = 0
      for (const event of round) {
        if (this.#signal.aborted) return { settled, failed: [] }
        const outcome = await this.#send(event.recordId, [event])
        if (this.#isCutOff(outcome)) return { settled, failed: [] }
        if (outcome.verdict === 'unreachable') throw failureOf(outcome)
        if (outcome.verdict === 'unavailable' && !isSuspect) throw failureOf(outcome)
        if (outcome.verdict === 'failed' || outcome.verdict === 'unavailable') {
          failedNow.push({ event, outcome })
          inARow += 1
          if (!isSuspect || inARow < (settled === 0 ? probeSize : mostInARow)) continue
          // Nobody knows if it is these events or the receiver: they stay in line.
          return { settled, failed: failedNow.slice(0, -inARow) }
        }
        inARow = 0
        if (settled++ === 0) await beforeFirstSettled()
        await (outcome.verdict === 'accepted'
          ? this.#strikeOut(event)
          : this.#postpone(event, outcome.detail))
      }
      failed = failedNow
      round = settled > settledBefore ? failedNow.map(({ event }) => event) : []
    }
    return { settled, failed }
  }

  async #setMuteAside(events: readonly (OwedEvent | MuteEvent)[]): Promise<void> {
    const mute = events.filter(event => !isTold(event))
    for (const event of mute) await this.#postpone(event, event.obstacle)
    const [first] = mute
    if (first === undefined) return
    const told = `The event ${first.recordId} of the type ${first.type}: ${first.obstacle}`
    await this.#dependencies.outbox.recordObstacle(told)
  }

  async #send(id: string, events: readonly OwedEvent[]): Promise<Outcome> {
    const { receiver, outbox } = this.#dependencies
    const cloudEvents = events.map(event => buildCloudEvent(event, this.#source))
    const outcome = await receiver.send(id, cloudEvents, this.#signal)
    if (outcome.verdict !== 'accepted' && !this.#isCutOff(outcome)) await outbox.recordFailure(outcome.detail)
    return outcome
  }

  #strikeOut({ position }: OwedEvent): Promise<void> {
    return this.#dependencies.outbox.remove([position])
  }

  async #postpone({ position, refusals }: OwedEvent | MuteEvent, detail: string): Promise<void> {
    const pauseMs = Math.min(firstPauseMs * 2 ** refusals, longestPauseMs)
    await this.#dependencies.outbox.postpone(position, pauseMs, detail)
  }

  /** Whether others came since, which tell if it is the events at which the receiver fails, or the receiver. */
  async #canGrow(events: readonly OwedEvent[]): Promise<boolean> {
    const { waiting, refused } = await this.#dependencies.outbox.backlog()
    return events.length < batchSize && waiting - refused > events.length
  }

  /** Not the receiver's fault; what was sent stays owed. */
  #isCutOff({ verdict }: Outcome): boolean {
    return this.#signal.aborted && (verdict === 'unavailable' || verdict === 'unreachable')
  }
}

function failureOf({ detail }: Outcome): MintlineError {
  return new MintlineError('webhook_failed', detail)
}
