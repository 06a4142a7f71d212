import type { Violation } from '../errors/mintline-error.ts'
import type { Clock } from '../sources/clock.ts'
import {
  describe,
  findValidityFault,
  type JudgedPair,
  millisecondsPerDay,
  type PairText,
  type ServerPair
} from './server-pair.ts'

/** Where the pair comes from. */
export interface PairSource {
  /** Both files as they are now. Rejects with the error of the file system. */
  readonly read: () => Promise<PairText>
  readonly judge: (text: PairText) => JudgedPair
}

interface WatchLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface PairWatchOptions {
  readonly source: PairSource
  readonly log: WatchLog
  readonly clock: Clock
  /** Between two looks. */
  readonly intervalMs?: number
}

const defaultIntervalMs = 2_000

/**
 * The pair that is served, and what becomes of it when its files change. It reads them now and then: notices of the file
 * system are lost on network drives, and do not follow the symbolic links that certbot and Kubernetes switch. What is new
 * counts when two looks in a row agree, so that neither half a file nor a certificate without its key is taken. A pair that
 * cannot be used is told once, and the one before stays.
 */
export class PairWatch {
  readonly #options: PairWatchOptions
  readonly #followers = new Set<(pair: ServerPair) => void>()
  #pair: ServerPair
  /** At the last look: the files, or why they could not be read. */
  #seen = ''
  /** The refusal that has been told. */
  #told = ''
  #toldOfEndAt: number
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(pair: ServerPair, options: PairWatchOptions) {
    this.#pair = pair
    this.#options = options
    // Of what it starts with, the checks of the settings tell.
    this.#toldOfEndAt = options.clock().getTime()
    this.#schedule()
  }

  current(): ServerPair {
    return this.#pair
  }

  /** Not ok while new files are refused, or the end of the certificate is near. */
  examine(): { readonly ok: boolean; readonly detail: string } {
    const { certificate } = this.#pair
    const fault = findValidityFault(this.#pair, this.#options.clock())
    const served = fault === undefined ? undefined : `${fault.found}. ${fault.message}`
    const refused =
      this.#told === '' ? undefined : 'the new TLS certificate or key cannot be used; the log says why'
    const details = [refused, served].filter(each => each !== undefined)
    return details.length > 0
      ? { ok: false, detail: details.join('; ') }
      : { ok: true, detail: `valid until ${certificate.validToDate.toISOString()}` }
  }

  /** @returns a function that ends it. */
  follow(take: (pair: ServerPair) => void): () => void {
    this.#followers.add(take)
    return () => void this.#followers.delete(take)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    const { intervalMs = defaultIntervalMs, log } = this.#options
    this.#timer = setTimeout(() => {
      this.#look()
        .catch((error: unknown) => log.error({ err: error }, 'the TLS certificate could not be looked at'))
        .finally(() => {
          if (!this.#isStopped) this.#schedule()
        })
    }, intervalMs).unref()
  }

  async #look(): Promise<void> {
    this.#warnOfEnd()
    const found = await this.#options.source.read().catch((error: unknown) => describeFailure(error))
    if (this.#isStopped) return
    const seen = JSON.stringify(found)
    const isSettled = seen === this.#seen
    this.#seen = seen
    if (typeof found === 'string') {
      if (isSettled) this.#refuse(found)
    } else if (isSame(found, this.#pair)) {
      this.#told = ''
    } else if (isSettled) {
      this.#judge(found)
    }
  }

  #judge(text: PairText): void {
    const { source, log, clock } = this.#options
    const { pair, violations, warnings } = source.judge(text)
    if (pair === undefined) return this.#refuse(violations)
    const validity = findValidityFault(pair, clock())
    if (validity?.isValid === false) return this.#refuse(`${validity.found}. ${validity.message}`)
    this.#pair = pair
    this.#told = ''
    for (const take of this.#followers) take(pair)
    const { certificate } = pair
    const facts = { certificate: describe(certificate), notAfter: certificate.validToDate.toISOString() }
    log.info(facts, 'a new TLS certificate is served from now on')
    for (const warning of warnings) log.warn(warning, 'the new TLS certificate should be mended')
    this.#toldOfEndAt = clock().getTime()
  }

  #refuse(reason: string | readonly Violation[]): void {
    const told = JSON.stringify(reason)
    if (told === this.#told) return
    this.#told = told
    const { certificate } = this.#pair
    const kept = { certificate: describe(certificate), notAfter: certificate.validToDate.toISOString() }
    this.#options.log.error(
      { reason, kept },
      'the new TLS certificate or key cannot be used; the one before is still served. Put a pair that belongs together ' +
        'where MINTLINE_TLS_CERT_FILE and MINTLINE_TLS_KEY_FILE name it'
    )
  }

  /** Once a day. */
  #warnOfEnd(): void {
    const { log, clock } = this.#options
    const now = clock()
    if (now.getTime() - this.#toldOfEndAt < millisecondsPerDay) return
    const fault = findValidityFault(this.#pair, now)
    if (fault === undefined) return
    this.#toldOfEndAt = now.getTime()
    log.warn({ found: fault.found }, `the TLS certificate is at its end. ${fault.message}`)
  }
}

function isSame(a: PairText, b: PairText): boolean {
  return a.certificatePem === b.certificatePem && a.keyPem === b.keyPem
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) throw error
  return `${'path' in error ? String(error.path) : 'a file'} cannot be read (${String(error.code)})`
}
