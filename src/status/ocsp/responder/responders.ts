import type { Authority } from '../../../authorities/authority.ts'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import type { Clock, Stopwatch } from '../../../sources/clock.ts'
import type { Responder } from './responder.ts'

export interface RespondersDependencies {
  readonly create: (authority: Authority) => Promise<Responder>
  readonly clock: Clock
  readonly stopwatch: Stopwatch
  /** Told of a responder that could not be made, with the name of its generation. */
  readonly onTrouble: (authority: string, error: unknown) => void
}

interface Held {
  /** Undefined until there is a first one. */
  responder?: Responder
  making?: Promise<Responder> | undefined
  /** By the stopwatch: no other is made before. */
  restsUntilMs: number
  trouble?: Trouble | undefined
  /** By the stopwatch: when it was last asked for. */
  askedAtMs: number
}

interface Trouble {
  readonly error: MintlineError
  readonly untilMs: number
  /** How often it could not be made, in a row. */
  readonly failures: number
}

/** Nobody who asks has a CA key tried more often; after each failure it rests for twice as long. */
const firstRetryMs = 10_000
const longestRetryMs = 80_000
/** Of a generation that nobody has asked for since, nobody misses a responder. */
const missedMs = 15 * 60_000
/** Where the generation itself ends soon, each new one is past its half at once. */
const restMs = 600_000
/** One that ends sooner is followed by another before it is used. */
const leastLeftMs = 60_000

/** The responders of this process: one for each generation that was asked for. */
export class Responders {
  readonly #dependencies: RespondersDependencies
  /** By the generation's id: there are no more than generations. */
  readonly #held = new Map<string, Held>()

  constructor(dependencies: RespondersDependencies) {
    this.#dependencies = dependencies
  }

  /**
   * One whose certificate is valid now. It is made when it is first asked for, and again in good time before it ends, while
   * the one before it goes on.
   *
   * @throws MintlineError what kept it from being made, for ten to eighty seconds without another try.
   */
  async find(authority: Authority): Promise<Responder> {
    const held = this.#heldOf(authority.id)
    const now = this.#dependencies.clock().getTime()
    held.askedAtMs = this.#dependencies.stopwatch()
    const { responder } = held
    if (responder === undefined || !isValid(responder, now)) return this.#make(authority, held)
    // What keeps it from being renewed is told, and the one at hand answers until its end.
    const isDue = now >= halfOf(responder) && this.#dependencies.stopwatch() >= held.restsUntilMs
    if (isDue) void this.#make(authority, held).catch(() => undefined)
    return responder
  }

  /**
   * Why one could not be made or renewed, and until when the one at hand lasts, by the name of its generation, as long as somebody
   * asks for it.
   */
  troubles(authorities: readonly Pick<Authority, 'id' | 'name'>[]) {
    return authorities.flatMap(({ id, name }) => {
      const { trouble, responder, askedAtMs = -Infinity } = this.#held.get(id) ?? {}
      const isMissed = this.#dependencies.stopwatch() < askedAtMs + missedMs
      return trouble === undefined || !isMissed
        ? []
        : [{ name, error: trouble.error, lastsUntil: responder?.notAfter }]
    })
  }

  /** When the certificate of each ends. */
  ends(authorities: readonly Pick<Authority, 'id' | 'name'>[]) {
    return authorities.flatMap(({ id, name }) => {
      const notAfter = this.#held.get(id)?.responder?.notAfter
      return notAfter === undefined ? [] : [{ name, notAfter }]
    })
  }

  #heldOf(id: string): Held {
    const found = this.#held.get(id)
    if (found !== undefined) return found
    const held: Held = { restsUntilMs: -Infinity, askedAtMs: -Infinity }
    this.#held.set(id, held)
    return held
  }

  #make(authority: Authority, held: Held): Promise<Responder> {
    const { create, clock, stopwatch, onTrouble } = this.#dependencies
    if (held.making !== undefined) return held.making
    if (held.trouble !== undefined && stopwatch() < held.trouble.untilMs)
      return Promise.reject(held.trouble.error)
    held.making = create(authority)
      .then(responder => assertValid(responder, authority, clock()))
      .then(
        responder => {
          held.responder = responder
          held.trouble = undefined
          held.restsUntilMs = stopwatch() + restMs
          return responder
        },
        (cause: unknown) => {
          const error = isMintlineError(cause)
            ? cause
            : new MintlineError('internal_error', 'The OCSP responder could not be made.', { cause })
          const failures = (held.trouble?.failures ?? 0) + 1
          const pauseMs = Math.min(firstRetryMs * 2 ** (failures - 1), longestRetryMs)
          held.trouble = { error, untilMs: stopwatch() + pauseMs, failures }
          onTrouble(authority.name, cause)
          throw error
        }
      )
      .finally(() => {
        held.making = undefined
      })
    return held.making
  }
}

/** @throws MintlineError `authority_unavailable` for one that is of no use: it ends with its generation, in a moment. */
function assertValid(responder: Responder, { name }: Authority, now: Date): Responder {
  if (isValid(responder, now.getTime())) return responder
  const detail = `The generation ${name} ends in a moment: nothing more is told of its certificates.`
  throw new MintlineError('authority_unavailable', detail)
}

function isValid({ notBefore, notAfter }: Responder, now: number): boolean {
  return notBefore.getTime() <= now && now + leastLeftMs < notAfter.getTime()
}

function halfOf({ notBefore, notAfter }: Responder): number {
  return (notBefore.getTime() + notAfter.getTime()) / 2
}
