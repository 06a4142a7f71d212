import { isMintlineError, MintlineError } from '../../../../errors/mintline-error.ts'
import type { KeyStoreLog } from '../../key-store-log.ts'
import type { PinRecord } from '../pins/pin-record.ts'
import type { TokenFailure, TokenSettings } from '../protocol.ts'
import { LoginDesk, type Question } from './login-desk.ts'
import { type ChildFailure, startTokenChild, type TokenChild } from './token-child.ts'

export interface TokenProcessSettings extends Omit<TokenSettings, 'call' | 'markKey'> {
  /** From when the module is entered until its process is ended. */
  readonly callTimeoutMs: number
  /** All that the process gets of the service's environment. */
  readonly environment: Readonly<Record<string, string>>
  readonly pins: PinRecord
  readonly log?: KeyStoreLog | undefined
}

/** The process in which a token is spoken to, with all signers on that token. */
export interface TokenProcess {
  /** A signer's handle of a key. */
  addKey(keyLabel: string): number
  /**
   * Asks the process, which is started when it is first needed.
   *
   * @throws MintlineError `signer_unavailable` at once while it is sick, whatever is done about that meanwhile; or when
   * it falls sick over this; and what the key's calls say.
   */
  ask(question: Question): Promise<Buffer>
  /** Gives a handle back. With the last one the process ends. */
  removeKey(key: number): Promise<void>
  /** As `removeKey`, of a key that could not be opened; the process is kept for a while, since it is likely tried again. */
  abandonKey(key: number): void
}

const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** How long a process without a key is kept. */
const idleMs = 10_000

const processes = new Map<string, SupervisedProcess>()

/** The one process for the token. */
export function tokenProcessOf(settings: TokenProcessSettings): TokenProcess {
  const { log, pins, ...identity } = settings
  const name = JSON.stringify(identity)
  const known = processes.get(name) ?? new SupervisedProcess(settings)
  processes.set(name, known)
  return known
}

interface Sickness extends ChildFailure {
  readonly untilMs: number
}

class SupervisedProcess implements TokenProcess {
  readonly #settings: TokenProcessSettings
  readonly #desk: LoginDesk
  /** In base64. */
  #markKey: string | undefined
  /** Labels by handle. */
  readonly #keys = new Map<number, string>()
  #lastKey = 0
  #lastLabel = ''
  #child: TokenChild | undefined
  /** Those that were given up. */
  #discarded: readonly TokenChild[] = []
  #sickness: Sickness | undefined
  #failures = 0
  #wasAsked = false
  #probeTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  /** After a signature that took the process along, they are made one at a time until one succeeds. */
  #isOnTrial = false
  #isTrialUnderWay = false

  constructor(settings: TokenProcessSettings) {
    this.#settings = settings
    this.#desk = new LoginDesk(settings.tokenLabel, settings.pins)
  }

  addKey(keyLabel: string): number {
    clearTimeout(this.#idleTimer)
    this.#lastLabel = keyLabel
    this.#keys.set(++this.#lastKey, keyLabel)
    return this.#lastKey
  }

  async ask(question: Question): Promise<Buffer> {
    this.#assertWell()
    if (this.#markKey === undefined) {
      this.#markKey = (await this.#settings.pins.markKey()).toString('base64')
      this.#assertWell()
    }
    const isTrial = this.#isOnTrial && question.call === 'sign'
    if (!isTrial) return this.#askChild(this.#currentChild(), question)
    this.#isTrialUnderWay = true
    try {
      return await this.#askChild(this.#currentChild(), question)
    } finally {
      this.#isTrialUnderWay = false
    }
  }

  async removeKey(key: number): Promise<void> {
    this.#keys.delete(key)
    this.#child?.closeKey(key)
    if (this.#keys.size === 0) await this.#endChild()
  }

  abandonKey(key: number): void {
    this.#keys.delete(key)
    this.#child?.closeKey(key)
    if (this.#keys.size > 0) return
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => void this.#endChild(), idleMs).unref()
  }

  async #endChild(): Promise<void> {
    if (this.#keys.size > 0 || this.#sickness !== undefined) return
    const child = this.#child
    this.#child = undefined
    await child?.end()
  }

  #assertWell(): void {
    this.#wasAsked = true
    if (this.#sickness !== undefined) {
      this.#scheduleProbe()
      throw this.#unavailable(this.#sickness)
    }
    if (this.#isTrialUnderWay) {
      throw new MintlineError(
        'signer_unavailable',
        'The PKCS#11 module has failed at a signature and is being tried with another one.',
        { retryAfterSeconds: 1 }
      )
    }
  }

  #currentChild(): TokenChild {
    this.#child ??= this.#startChild()
    return this.#child
  }

  #startChild(): TokenChild {
    const { modulePath, tokenLabel, pinFile, sessions, callTimeoutMs, environment } = this.#settings
    const markKey = this.#markKey ?? ''
    const child = startTokenChild({
      settings: { call: 'settings', modulePath, tokenLabel, pinFile, sessions, markKey },
      environment,
      callTimeoutMs,
      onLogin: login => this.#desk.note(login),
      onFailure: failure => this.#fallSick(child, failure)
    })
    return child
  }

  async #askChild(child: TokenChild, question: Question): Promise<Buffer> {
    const outcome = await this.#desk.ask(child, question).catch((cause: unknown) => {
      if (isMintlineError(cause)) throw cause
      if (this.#sickness !== undefined) throw this.#unavailable(this.#sickness, cause)
      throw new MintlineError('signer_unavailable', 'The process of the PKCS#11 module was ended.', {
        cause,
        retryAfterSeconds: 1
      })
    })
    if (outcome.kind === 'failed') throw errorOf(outcome)
    if (question.call === 'sign') this.#passTrial()
    return Buffer.from(outcome.octets, 'base64')
  }

  #passTrial(): void {
    this.#isOnTrial = false
    this.#failures = 0
  }

  #fallSick(child: TokenChild, failure: ChildFailure): void {
    if (child === this.#child) this.#child = undefined
    this.#discarded = [...this.#discarded, child]
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs)
    this.#failures++
    if (failure.whileSigning) this.#isOnTrial = true
    this.#sickness = { ...failure, untilMs: performance.now() + pauseMs }
    this.#settings.log?.warn(
      { token: this.#settings.tokenLabel, module: this.#settings.modulePath, pauseMs },
      `the PKCS#11 module ${failure.what}; its process is ended and tried anew`
    )
    this.#wasAsked = false
    clearTimeout(this.#probeTimer)
    this.#probeTimer = undefined
    this.#scheduleProbe()
  }

  /** One that nobody has asked for since is tried when somebody does. */
  #scheduleProbe(): void {
    if (this.#sickness === undefined || this.#probeTimer !== undefined) return
    const pauseMs = Math.max(this.#sickness.untilMs - performance.now(), 0)
    this.#probeTimer = setTimeout(() => void this.#probe(), pauseMs).unref()
  }

  async #probe(): Promise<void> {
    if (!this.#wasAsked && this.#failures > 1) {
      this.#probeTimer = undefined
      return
    }
    this.#discarded = this.#discarded.filter(child => child.isThere())
    if (this.#discarded.length > 0) {
      // The operating system cannot take it away: another one would hang in the same place.
      this.#probeTimer = setTimeout(() => void this.#probe(), longestPauseMs).unref()
      return
    }
    const child = this.#startChild()
    this.#child = child
    try {
      await this.#askForKeys(child)
    } catch {
      // It fell sick again; that is told, and when it is tried next.
      return
    }
    this.#probeTimer = undefined
    this.#sickness = undefined
    if (!this.#isOnTrial) this.#failures = 0
    this.#settings.log?.info({ token: this.#settings.tokenLabel }, 'the PKCS#11 module answers again')
    if (this.#keys.size === 0) this.abandonKey(0)
  }

  async #askForKeys(child: TokenChild): Promise<void> {
    const keys: readonly (readonly [number, string])[] =
      this.#keys.size > 0 ? [...this.#keys] : [[0, this.#lastLabel]]
    const isWanted = (key: number) => key === 0 || this.#keys.has(key)
    for (const [key, keyLabel] of keys) {
      if (!isWanted(key)) continue
      await this.#desk.ask(child, { call: 'open', key, keyLabel }).catch((error: unknown) => {
        // The login is withheld, which says nothing of the module.
        if (!isMintlineError(error)) throw error
      })
      // Given back meanwhile, to a process that had not opened it yet.
      if (!isWanted(key)) child.closeKey(key)
    }
  }

  #unavailable({ what, untilMs }: Sickness, cause?: unknown): MintlineError {
    const seconds = Math.max(Math.ceil((untilMs - performance.now()) / 1_000), 1)
    return new MintlineError(
      'signer_unavailable',
      `The PKCS#11 module ${what}. Its process was ended, and is tried anew by itself. See MINTLINE_PKCS11_MODULE.`,
      { cause, retryAfterSeconds: seconds }
    )
  }
}

function errorOf({ code, detail, retryAfterSeconds, cause: said }: TokenFailure): MintlineError {
  const cause = said === undefined ? undefined : new Error(said)
  return new MintlineError(code, detail, {
    cause,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds })
  })
}
