import { isMintlineError } from '../errors/mintline-error.ts'
import { isEqual } from '../pki/der/octets.ts'
import type { Clock } from '../sources/clock.ts'
import { type AddCheckpoint, parseAddCheckpoint } from '../transparency/add-checkpoint.ts'
import type { Checkpoint } from '../transparency/checkpoint.ts'
import type { KnownLogs } from '../transparency/known-logs.ts'
import { fitsCosignature, maximumNameOctets } from '../transparency/note/cosignature.ts'
import { formatSignature, formatSignedNote, type NoteSignature } from '../transparency/note/signed-note.ts'
import { verifyCheckpoint } from '../transparency/note/verification.ts'
import { labelOf } from '../transparency/note/verifier-key.ts'
import { isConsistent } from '../transparency/tree/consistency.ts'
import { emptyRoot } from '../transparency/tree/tree-hash.ts'
import { cosigned, refusal, type WitnessAnswer, wrongSize } from './answer.ts'
import { cosign, type WitnessKey } from './keys.ts'
import type { Cosigned, WitnessState } from './state.ts'

export interface WitnessLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface WitnessOptions {
  /** That of Ed25519 first: its signature is on all that is kept. */
  readonly keys: readonly [WitnessKey, ...WitnessKey[]]
  readonly logs: KnownLogs
  readonly state: WitnessState
  /** Resolves when the state is on the disk, in the place of the one before, whole. */
  readonly keep: (state: WitnessState) => Promise<void>
  readonly clock: Clock
  readonly log: WitnessLog
}

/** Requests that may wait for those before them. */
const maximumWaiting = 64
/** How long one may wait, in ms. */
const patienceMs = 10_000
/** Of evidence against one log that is written to the log of the witness, in ms. */
const evidenceIntervalMs = 10_000

/**
 * Cosigns the checkpoints of logs that are known to it, and of each log such alone as go on from all that it has cosigned
 * before: c2sp.org/tlog-witness. What it answers was kept before.
 */
export class Witness {
  readonly #options: WitnessOptions
  #state: WitnessState
  #waiting = 0
  /** The one before is at its end when this resolves. */
  #turn: Promise<unknown> = Promise.resolve()
  /** The last answer for each log: who asks again within its second gets the same signatures, at no cost. */
  readonly #recent = new Map<string, Recent>()
  readonly #toldOf = new Map<string, number>()

  constructor(options: WitnessOptions) {
    this.#options = options
    this.#state = options.state
  }

  /** @param body octets of the request, of bounded length. Rejects only where this is a fault in Mintline. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    let request: AddCheckpoint
    try {
      request = parseAddCheckpoint(body)
    } catch (error) {
      if (!isMintlineError(error, 'note_malformed')) throw error
      return refusal(400, error.detail)
    }
    const judged = await this.#judge(request)
    return 'status' in judged ? judged : this.#inTurn(judged)
  }

  /** @returns the request with such signatures alone as count, or why there is none. */
  async #judge(request: AddCheckpoint): Promise<AddCheckpoint | WitnessAnswer> {
    const { oldSize, checkpoint } = request
    const { origin, size, note } = checkpoint
    const keys = this.#options.logs.get(origin)
    if (keys === undefined) return refusal(404, 'This witness does not know the log of that origin.')
    const verdicts = await verifyCheckpoint(checkpoint, keys)
    if (verdicts.length === 0)
      return refusal(403, 'No key that counts for this log has signed the checkpoint.')
    const invalid = verdicts.find(({ isValid }) => !isValid)
    if (invalid !== undefined) {
      return refusal(403, `The signature of ${labelOf(invalid.key)} on the checkpoint is not valid.`)
    }
    if (oldSize > size)
      return refusal(400, `The old size ${oldSize} is larger than the checkpoint, which has ${size} entries.`)
    const signatures = verdicts.map(({ signature }) => signature)
    return { ...request, checkpoint: { ...checkpoint, note: { ...note, signatures } } }
  }

  /** One after the other: each is held against what the one before has left. */
  async #inTurn(request: AddCheckpoint): Promise<WitnessAnswer> {
    if (this.#waiting >= maximumWaiting) return refusal(503, 'Too many requests wait. Send it again shortly.')
    this.#waiting++
    const answer = this.#turn.then(() => this.#cosign(request))
    this.#turn = answer.catch(() => undefined).finally(() => this.#waiting--)
    const { promise: late, resolve } = Promise.withResolvers<WitnessAnswer>()
    // It goes on meanwhile, and may be kept yet; then the log is told of the new size when it asks again.
    const sentence = 'The disk of the witness does not answer. Send it again later.'
    const timer = setTimeout(() => resolve(refusal(503, sentence)), patienceMs)
    return Promise.race([answer, late]).finally(() => clearTimeout(timer))
  }

  async #cosign(request: AddCheckpoint): Promise<WitnessAnswer> {
    const { checkpoint } = request
    const known = this.#state.get(checkpoint.origin)
    const refused = this.#hold(request, known)
    if (refused !== undefined) return refused
    const time = Math.floor(this.#options.clock().getTime() / 1_000)
    const latest = Math.max(0, ...[...this.#state.values()].map(each => each.time))
    if (time < latest) {
      this.#options.log.error({ time, latest }, 'the clock is behind what was cosigned last; set it right')
      return refusal(503, 'The clock of the witness is behind its last cosignature.')
    }
    const recent = this.#recent.get(checkpoint.origin)
    if (recent?.time === time && recent.text === checkpoint.note.text) return cosigned(recent.lines)
    const signatures = await Promise.all(this.#options.keys.map(key => cosign(key, checkpoint, time)))
    if (!(await this.#advance(checkpoint, { known, time, signatures })))
      return refusal(503, 'The witness could not keep the checkpoint. Send it again later.')
    const lines = signatures.map(formatSignature).join('')
    this.#recent.set(checkpoint.origin, { text: checkpoint.note.text, time, lines })
    return cosigned(lines)
  }

  /** @returns why the checkpoint is not cosigned; undefined where it is. */
  #hold(
    { oldSize, proof, checkpoint }: AddCheckpoint,
    known: Cosigned | undefined
  ): WitnessAnswer | undefined {
    const before = known?.checkpoint ?? { size: 0, root: emptyRoot() }
    if (oldSize !== before.size) return wrongSize(before.size)
    const { origin, size, root } = checkpoint
    if (size === 0 && !isEqual(root, emptyRoot()))
      return refusal(422, 'This is not the root of an empty tree.')
    if (size === before.size && !isEqual(root, before.root)) {
      this.#tellEvidence(checkpoint, known, 'the log has signed two trees of one size: it has forked')
      return refusal(409, 'The log has signed another tree of this size before.')
    }
    // There is nothing to prove of the empty tree.
    const isProven = before.size === 0 ? proof.length === 0 : isConsistent(before, checkpoint, proof)
    if (!isProven) {
      this.#tellEvidence(
        checkpoint,
        known,
        'a signed checkpoint came without a proof that it goes on from the last'
      )
      return refusal(
        422,
        `The proof does not show that the ${size} entries go on from the ${before.size} before.`
      )
    }
    return fitsCosignature(origin)
      ? undefined
      : refusal(422, `The origin has more than ${maximumNameOctets} octets.`)
  }

  /** A crash before the state is kept leaves signatures that nobody has seen. @returns whether it was kept. */
  async #advance(checkpoint: Checkpoint, { known, time, signatures }: Advance): Promise<boolean> {
    if (known?.checkpoint.size === checkpoint.size) return true
    const [own] = signatures as readonly [NoteSignature]
    // That of the log proves a fork, if one comes.
    const note = { ...checkpoint.note, signatures: [own, ...checkpoint.note.signatures] }
    const next = new Map(this.#state).set(checkpoint.origin, { checkpoint: { ...checkpoint, note }, time })
    try {
      await this.#options.keep(next)
    } catch (err) {
      this.#options.log.error({ err }, 'the state cannot be written; nothing is cosigned until it can')
      return false
    }
    this.#state = next
    this.#options.log.info({ origin: checkpoint.origin, size: checkpoint.size }, 'cosigned')
    return true
  }

  /** With both sides, which whoever trusts the log is to see. Anybody can send what was signed once, again and again. */
  #tellEvidence({ origin, note }: Checkpoint, known: Cosigned | undefined, message: string): void {
    const now = performance.now()
    if (now < (this.#toldOf.get(origin) ?? -Infinity) + evidenceIntervalMs) return
    this.#toldOf.set(origin, now)
    const cosignedBefore = known && formatSignedNote(known.checkpoint.note)
    this.#options.log.error({ origin, refused: formatSignedNote(note), cosignedBefore }, message)
  }
}

interface Recent {
  readonly text: string
  /** Seconds since 1970. */
  readonly time: number
  readonly lines: string
}

interface Advance {
  readonly known: Cosigned | undefined
  readonly time: number
  readonly signatures: readonly NoteSignature[]
}
