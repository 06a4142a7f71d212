import { Readable } from 'node:stream'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { Stopwatch } from '../../../../sources/clock.ts'

/** Each holds a part or two in memory for as long as its reader takes. */
const maximumReaders = 32
/** A proxy's readers share an address. */
const maximumReadersPerAddress = 8
/** Who has taken nothing for so long makes way for others. */
const patienceMs = 2_000
/** Nobody is so slow that a part takes this long. */
const longestIdleMs = 15_000
/** Octets of what has been replaced are kept for longer. */
const longestReadingMs = 4 * 60_000
const sweepEveryMs = 1_000
/** The measure of progress: with 64 KiB in two seconds nobody is cut off for another. */
const partOctets = 64 * 1024

interface Reader {
  readonly address: string
  readonly stream: Readable
  readonly begunAtMs: number
  /** When it took its last part. */
  tookAtMs: number
}

/**
 * Those who read large CRLs at this moment, so many at the most, and of one address no more than a part of them. Who reads too slowly
 * is cut off; where there is no room for another, whoever has taken nothing for longest makes way.
 */
export class CrlReaders {
  readonly #stopwatch: Stopwatch
  readonly #readers = new Set<Reader>()
  #sweep: NodeJS.Timeout | undefined

  constructor(stopwatch: Stopwatch) {
    this.#stopwatch = stopwatch
  }

  get size(): number {
    return this.#readers.size
  }

  /** @throws MintlineError `overloaded` where there is no room, and nobody makes way. */
  open(address: string, parts: AsyncIterable<Uint8Array>): Readable {
    const ofAddress = [...this.#readers].filter(reader => reader.address === address)
    if (ofAddress.length >= maximumReadersPerAddress)
      this.#makeWay(ofAddress, `${maximumReadersPerAddress} large CRLs are being read from your address`)
    if (this.#readers.size >= maximumReaders)
      this.#makeWay([...this.#readers], `${maximumReaders} large CRLs are being read`)
    const now = this.#stopwatch()
    const taken = () => (reader.tookAtMs = this.#stopwatch())
    const stream = Readable.from(inSmallParts(parts, taken), { objectMode: false })
    const reader: Reader = { address, stream, begunAtMs: now, tookAtMs: now }
    this.#readers.add(reader)
    stream.once('close', () => this.#forget(reader))
    this.#sweep ??= setInterval(() => this.sweep(), sweepEveryMs).unref()
    return stream
  }

  /** Cuts off those that are too slow. */
  sweep(): void {
    const now = this.#stopwatch()
    for (const reader of this.#readers)
      if (now > reader.tookAtMs + longestIdleMs || now > reader.begunAtMs + longestReadingMs)
        this.#cutOff(reader, 'A CRL was read too slowly')
  }

  #makeWay(candidates: readonly Reader[], why: string): void {
    const slowest = candidates.reduce((a, b) => (b.tookAtMs < a.tookAtMs ? b : a))
    if (this.#stopwatch() < slowest.tookAtMs + patienceMs)
      throw new MintlineError('overloaded', `${why} at this moment. Ask again in 5 s.`, {
        retryAfterSeconds: 5
      })
    this.#cutOff(slowest, 'A CRL was read more slowly than others wait for')
  }

  #cutOff(reader: Reader, why: string): void {
    this.#forget(reader)
    reader.stream.destroy(new Error(why))
  }

  #forget(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}

async function* inSmallParts(
  parts: AsyncIterable<Uint8Array>,
  taken: () => void
): AsyncGenerator<Uint8Array, void> {
  for await (const part of parts)
    for (let offset = 0; offset < part.length; offset += partOctets) {
      yield part.subarray(offset, offset + partOctets)
      taken()
    }
}
