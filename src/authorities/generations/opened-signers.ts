import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import { type RecallingSigner, recallingSigner } from '../../signing/signers/recalling-signer.ts'
import { type ExpectedKey, openProvenSigner } from './proven-signer.ts'

/** One signer for each generation, for as long as the generation may sign. */
export class OpenedSigners {
  readonly #openSigner: OpenSigner
  /** By the generation's id. */
  readonly #signers = new Map<string, Promise<RecallingSigner>>()
  readonly #closings = new Set<Promise<void>>()

  constructor(openSigner: OpenSigner) {
    this.#openSigner = openSigner
  }

  /** @throws MintlineError `key_unusable`, and what the key's store throws. */
  open(id: string, key: ExpectedKey): Promise<RecallingSigner> {
    const opened = this.#signers.get(id)
    if (opened !== undefined) return opened
    const opening = openProvenSigner(this.#openSigner, key).then(recallingSigner)
    this.#signers.set(id, opening)
    // A key that could not be opened is tried again by the next one who needs it.
    opening.catch(() => this.#signers.delete(id))
    return opening
  }

  /**
   * Closes the signers of all others. Signatures under way are completed. One that is asked for later throws
   * `signer_unavailable`, and its intent stays open, as after a crash: the generation signs no more.
   */
  keepOnly(maySign: (id: string) => boolean): void {
    for (const [id, opening] of this.#signers) {
      if (maySign(id)) continue
      this.#signers.delete(id)
      const closing = opening
        .then(signer => signer.close())
        .catch(() => undefined)
        .finally(() => this.#closings.delete(closing))
      this.#closings.add(closing)
    }
  }

  async close(): Promise<void> {
    for (const result of await Promise.allSettled(this.#signers.values())) {
      if (result.status === 'fulfilled') await result.value.close()
    }
    await Promise.all(this.#closings)
  }
}
