import { createHash } from 'node:crypto'
import { setImmediate as giveWay } from 'node:timers/promises'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { type Frame, frameCertificateList } from '../../pki/revocation/list/tbs-cert-list.ts'
import type { CrlStore, StoredCrl } from './crl-store.ts'

/** Of octets of CRLs that are kept in memory. */
const maximumKeptOctets = 32 * 1024 * 1024

/** @returns false where it is not what was signed. What was read of it is forgotten then. */
export async function isWhole(crl: StoredCrl, chunks: ChunkMemory): Promise<boolean> {
  const hash = createHash('sha256')
  let octets = 0
  try {
    for await (const part of readOctets(crl, chunks)) {
      hash.update(part)
      octets += part.length
      await giveWay()
    }
  } catch (error) {
    // Of the newest one all octets are there.
    if (!isMintlineError(error, 'overloaded')) throw error
  }
  if (octets === crl.octets && isEqual(hash.digest(), crl.sha256)) return true
  chunks.forget(crl.intentId)
  return false
}

/** Its DER. @throws MintlineError `overloaded` where a newer one has replaced it long ago. */
export async function* readOctets(crl: StoredCrl, chunks: ChunkMemory): AsyncGenerator<Uint8Array> {
  const { intentId, tbsOctets } = crl
  const { before, after } = frameOf(crl)
  yield before
  for (let octets = 0, position = 0; octets < tbsOctets; position += 1) {
    const chunk = await chunks.read(intentId, position)
    if (chunk === undefined || chunk.length === 0)
      throw new MintlineError('overloaded', 'This CRL has been replaced by a newer one. Ask again.', {
        retryAfterSeconds: 1
      })
    octets += chunk.length
    yield chunk
  }
  yield after
}

function frameOf({ tbsOctets, signatureAlgorithm, signature }: StoredCrl): Frame {
  return frameCertificateList(tbsOctets, signatureAlgorithm, signature)
}

/** The chunks that were read last, as many as the limit lets. Those who read the same one at once share it. */
export class ChunkMemory {
  readonly #store: Pick<CrlStore, 'readChunk'>
  readonly #kept = new Map<string, Promise<Uint8Array | undefined>>()
  readonly #octets = new Map<string, number>()
  #sum = 0

  constructor(store: Pick<CrlStore, 'readChunk'>) {
    this.#store = store
  }

  read(intentId: string, position: number): Promise<Uint8Array | undefined> {
    const key = `${intentId}/${position}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      // To the end: what was read longest ago goes first.
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept
    }
    const reading = this.#store.readChunk(intentId, position)
    this.#kept.set(key, reading)
    reading.then(
      octets => this.#count(key, reading, octets?.length ?? 0),
      () => this.#drop(key, reading)
    )
    return reading
  }

  /** Those of one CRL. */
  forget(intentId: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(`${intentId}/`)) this.#forget(key)
  }

  /** Of one that was forgotten while it was read, nothing is kept. */
  #drop(key: string, reading: Promise<unknown>): void {
    if (this.#kept.get(key) === reading) this.#forget(key)
  }

  #count(key: string, reading: Promise<unknown>, octets: number): void {
    if (octets === 0) return this.#drop(key, reading)
    if (this.#kept.get(key) !== reading) return
    this.#octets.set(key, octets)
    this.#sum += octets
    for (const oldest of this.#kept.keys()) {
      if (this.#sum <= maximumKeptOctets) break
      this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#kept.delete(key)
    this.#sum -= this.#octets.get(key) ?? 0
    this.#octets.delete(key)
  }
}
