import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { PinRecord } from '../pins/pin-record.ts'
import type { LoginGrant, LoginNeed, LoginOutcome } from '../protocol.ts'
import type { KeyQuestion, Outcome, TokenChild } from './token-child.ts'

/** A question as it is put at first: a grant comes with the answer that a login is needed. */
export type Question = KeyQuestion extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'grant'>
    : never
  : never

type Answered = Exclude<Outcome, { readonly kind: 'login-needed' }>

/** A module that comes back as another one, in the middle of an answer, may need a second login. */
const maximumLogins = 2
/** A login that is withheld is not asked for again at once. */
const withheldMs = 1_000

/**
 * Grants the logins that the process of a token needs: one at a time, each judged by what is on record, which knows of
 * it before it is made. So a PIN that was refused is not given to the token again, whoever asks, and after a restart.
 */
export class LoginDesk {
  readonly #tokenLabel: string
  readonly #pins: PinRecord
  #lastTurn: Promise<unknown> = Promise.resolve()
  #settling: Promise<void> = Promise.resolve()
  #lastGrant = 0
  #withheld: { readonly mark: string; readonly error: unknown; readonly untilMs: number } | undefined

  constructor(tokenLabel: string, pins: PinRecord) {
    this.#tokenLabel = tokenLabel
    this.#pins = pins
  }

  /** What the token said to a login. Answers that come after it wait until it is on record. */
  note({ outcome, ...need }: LoginNeed & { readonly outcome: LoginOutcome }): void {
    this.#settling = this.#pins.settle(this.#loginOf(need), outcome)
  }

  /** @throws MintlineError when a login is withheld; what `ask` of the child throws. */
  async ask(child: TokenChild, question: Question): Promise<Answered> {
    const outcome = await this.#askOnce(child, question)
    if (outcome.kind !== 'login-needed') return outcome
    const turn = this.#lastTurn.then(() => this.#askWithLogin(child, question))
    this.#lastTurn = turn.catch(() => undefined)
    return turn
  }

  async #askWithLogin(child: TokenChild, question: Question): Promise<Answered> {
    // The one before may have logged in for all.
    let outcome = await this.#askOnce(child, question)
    for (let logins = 0; outcome.kind === 'login-needed'; logins++) {
      if (logins === maximumLogins) throw comesAndGoes(this.#tokenLabel)
      outcome = await this.#askOnce(child, { ...question, grant: await this.#admit(outcome) })
    }
    return outcome
  }

  async #askOnce(child: TokenChild, question: KeyQuestion): Promise<Outcome> {
    try {
      return await child.ask(question)
    } finally {
      await this.#settling
    }
  }

  async #admit(need: LoginNeed): Promise<LoginGrant> {
    const { mark } = need
    const { untilMs = 0, error } = this.#withheld?.mark === mark ? this.#withheld : {}
    if (performance.now() < untilMs) throw error
    try {
      await this.#pins.admit({ ...this.#loginOf(need), triesLeft: need.triesLeft })
    } catch (thrown) {
      this.#withheld = { mark, error: thrown, untilMs: performance.now() + withheldMs }
      throw thrown
    }
    return { number: ++this.#lastGrant, mark }
  }

  #loginOf({ tokenSerial, mark }: LoginNeed) {
    return { tokenLabel: this.#tokenLabel, tokenSerial, mark: Buffer.from(mark, 'hex') }
  }
}

function comesAndGoes(tokenLabel: string): MintlineError {
  const detail = `The HSM token ${tokenLabel} takes the PIN and asks for it again. It is tried again by itself.`
  return new MintlineError('signer_unavailable', detail, { retryAfterSeconds: 2 })
}
