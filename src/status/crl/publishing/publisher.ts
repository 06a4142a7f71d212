import type { Authorities, Authority } from '../../../authorities/authority.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { keepableText } from '../../../errors/foreign-text.ts'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { startRepeating } from '../../../sources/repeating.ts'
import { untilAborted } from '../../../sources/until-aborted.ts'
import type { CrlStore, StoredCrl } from '../crl-store.ts'
import { ChunkMemory, isWhole, readOctets } from '../octets.ts'
import type { CrlTarget } from './crl-target.ts'
import { describeLost, numberOfOwn } from './lost-list.ts'
import { crlFilePath } from './paths.ts'
import type { PublicationStore } from './publication-store.ts'

export interface PublisherOptions {
  readonly targets: readonly CrlTarget[]
  readonly store: PublicationStore
  readonly crls: Pick<CrlStore, 'listNewest' | 'listNewestShards' | 'readChunk' | 'hasSigned'>
  readonly authorities: Pick<Authorities, 'list'>
  readonly clock: Clock
  readonly log: Pick<DatabaseLog, 'warn'>
  readonly stopwatch?: Stopwatch
  /** For one call of a place. */
  readonly limitMs?: number
}

const pollMs = 1_000
/** Somebody may have taken a file away, or put an older one there. */
const lookAgainMs = 600_000
const firstPauseMs = 5_000
const longestPauseMs = 60_000
const longestFailure = 1_000
/** A share that is away may answer never; a bucket says why before. A CRL of 100 MiB passes within at 3 Mbit/s. */
const targetLimitMs = 310_000

/** What is known of a file at a place. */
interface Known {
  readonly intentId: string
  readonly lookedAtMs: number
}

/** Of a place, or of one file there. */
interface Pause {
  readonly untilMs: number
  readonly failures: number
}

interface NewestFile {
  readonly path: string
  readonly crl: StoredCrl
  readonly authority: Authority
}

/** Puts the newest CRLs where they are to be besides. */
export class CrlPublisher {
  readonly #options: PublisherOptions
  readonly #stopwatch: Stopwatch
  readonly #chunks: ChunkMemory
  readonly #known = new Map<string, Known>()
  readonly #pauses = new Map<string, Pause>()
  /** Places with a call that has not ended, also where it was given up: each such call may hold a thread. */
  readonly #hanging = new Set<string>()

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#stopwatch = options.stopwatch ?? systemStopwatch
    this.#chunks = new ChunkMemory(options.crls)
  }

  /** Forgets what is known of places that are none any more. @throws MintlineError `database_unavailable`. */
  async tidy(): Promise<void> {
    const { targets, store } = this.#options
    await store.keepOnly(targets.map(({ name }) => name))
  }

  /** @throws MintlineError `database_unavailable`. What fails at a place is told, and tried again after a pause. */
  async step(signal: AbortSignal, targets = this.#options.targets): Promise<void> {
    if (targets.length === 0) return
    const files = await this.#listFiles()
    const outcomes = await Promise.allSettled(targets.map(target => this.#serve(target, files, signal)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #listFiles(): Promise<readonly NewestFile[]> {
    const { crls, authorities } = this.#options
    const known = new Map(authorities.list().map(each => [each.id, each]))
    const all = [...(await crls.listNewest()), ...(await crls.listNewestShards())]
    return all.flatMap(crl => {
      const authority = known.get(crl.authorityId)
      return authority === undefined ? [] : [{ path: crlFilePath(authority.name, crl), crl, authority }]
    })
  }

  async #serve(target: CrlTarget, files: readonly NewestFile[], signal: AbortSignal): Promise<void> {
    for (const file of files) {
      if (signal.aborted || this.#isPaused(target.name)) return
      const key = `${target.name}\n${file.path}`
      if (this.#isPaused(key) || !this.#isDue(key, file.crl)) continue
      try {
        await this.#publish(target, file, signal)
        this.#pauses.delete(key)
        this.#pauses.delete(target.name)
      } catch (error) {
        if (signal.aborted) return
        if (isMintlineError(error, 'database_unavailable')) throw error
        await this.#fail(target, file, error)
      }
    }
  }

  #isPaused(key: string): boolean {
    return (this.#pauses.get(key)?.untilMs ?? -Infinity) > this.#stopwatch()
  }

  #isDue(key: string, { intentId }: StoredCrl): boolean {
    const known = this.#known.get(key)
    return known?.intentId !== intentId || this.#stopwatch() >= known.lookedAtMs + lookAgainMs
  }

  async #publish(target: CrlTarget, file: NewestFile, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options
    const { path, crl } = file
    const { intentId, octets, sha256 } = crl
    const key = `${target.name}\n${path}`
    // A crash in between puts the same file there once more.
    const found = await this.#within(target, signal, inTime => target.find(path, inTime))
    if (found !== toHex(sha256)) {
      if (!(await isWhole(crl, this.#chunks)))
        throw new MintlineError(
          'record_damaged',
          `The CRL ${crl.number} was changed in the database, and is put nowhere. The next one will be.`
        )
      if (found !== undefined) await this.#assertNoneLost(target, { ...file, found }, signal)
      const read = () => readOctets(crl, this.#chunks)
      await this.#within(target, signal, inTime => target.put({ path, octets, sha256, read }, inTime))
    }
    const isNews = this.#known.get(key)?.intentId !== intentId || this.#pauses.has(key)
    if (isNews) await store.publish({ target: target.name, path }, intentId, clock())
    this.#known.set(key, { intentId, lookedAtMs: this.#stopwatch() })
  }

  /** What a database knows nothing of that was restored from a backup is not written over: it may tell of more. */
  async #assertNoneLost(
    target: CrlTarget,
    { path, crl, authority, found }: NewestFile & { readonly found: string },
    signal: AbortSignal
  ): Promise<void> {
    if (await this.#options.crls.hasSigned(crl, Buffer.from(found, 'hex'))) return
    const octets = await this.#within(target, signal, inTime => target.read(path, inTime))
    const number = octets && (await numberOfOwn(octets, authority))
    if (number !== undefined)
      throw new MintlineError(
        'record_damaged',
        describeLost({ target: target.name, path, number, crl, authority })
      )
  }

  /** Gives up a call that takes too long, also where it heeds no signal, as of a file system that is away. */
  async #within<Result>(
    { name }: CrlTarget,
    signal: AbortSignal,
    call: (inTime: AbortSignal) => Promise<Result>
  ): Promise<Result> {
    const limitMs = this.#options.limitMs ?? targetLimitMs
    if (this.#hanging.has(name))
      throw new MintlineError(
        'crl_target_failed',
        `${name} has not answered an earlier call yet, and gets no other. Look whether it is there; where it stays so, start the service anew.`
      )
    const tooLong = AbortSignal.timeout(limitMs)
    const inTime = AbortSignal.any([signal, tooLong])
    this.#hanging.add(name)
    const ending = call(inTime).finally(() => this.#hanging.delete(name))
    try {
      return await untilAborted(() => ending, inTime)
    } catch (error) {
      if (signal.aborted || !tooLong.aborted) throw error
      throw new MintlineError(
        'crl_target_failed',
        `${name} did not answer within ${limitMs / 1_000} seconds. Look whether it is there, and how fast it is.`,
        { cause: error }
      )
    }
  }

  async #fail(target: CrlTarget, { path }: NewestFile, error: unknown): Promise<void> {
    const { store, clock, log } = this.#options
    const { name } = target
    // Of a list that cannot be read, or was replaced meanwhile, the place is not to blame: the others follow.
    const isOfFile = isMintlineError(error) && error.code !== 'crl_target_failed'
    for (const key of isOfFile ? [`${name}\n${path}`] : [name, `${name}\n${path}`]) {
      const failures = (this.#pauses.get(key)?.failures ?? 0) + 1
      const pauseMs = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs)
      this.#pauses.set(key, { untilMs: this.#stopwatch() + pauseMs, failures })
    }
    const detail = isMintlineError(error) ? error.detail : 'for an unexpected reason; see the log'
    await store.fail({ target: name, path }, keepableText(detail, longestFailure), clock())
    if ((this.#pauses.get(`${name}\n${path}`)?.failures ?? 0) > 1) return
    log.warn({ err: error, target: name, path }, `a CRL could not be put to ${name}; tried again`)
  }
}

/** Goes on until it is closed, each place by itself. What fails is tried again; that is told once. */
export function startPublishingCrls(options: PublisherOptions): { close(): Promise<void> } {
  const { log, targets } = options
  const publisher = new CrlPublisher(options)
  let tidied: Promise<void> | undefined
  const tidy = () =>
    (tidied ??= publisher.tidy().catch((error: unknown) => {
      tidied = undefined
      throw error
    }))
  // Also where there is none, those of before are forgotten.
  const places: readonly (readonly CrlTarget[])[] =
    targets.length === 0 ? [[]] : targets.map(target => [target])
  const loops = places.map(place => {
    let isTroubleTold = false
    return startRepeating(async signal => {
      try {
        await tidy()
        await publisher.step(signal, place)
        isTroubleTold = false
      } catch (error) {
        if (!isTroubleTold && !signal.aborted)
          log.warn({ err: error, target: place[0]?.name }, 'CRLs could not be published; tried again')
        isTroubleTold = true
      }
      return pollMs
    })
  })
  return {
    async close() {
      await Promise.all(loops.map(loop => loop.close()))
      for (const target of targets) target.close()
    }
  }
}
