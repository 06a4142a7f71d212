/** Most disclosures fit in. */
const firstCapacity = 1024

const encoder = new TextEncoder()

/** Octets one after the other, in one buffer that grows. */
export class OctetWriter {
  #octets = new Uint8Array(firstCapacity)
  #view = new DataView(this.#octets.buffer)
  #length = 0

  octets(octets: Uint8Array): void {
    this.#reserve(octets.length)
    this.#octets.set(octets, this.#length)
    this.#length += octets.length
  }

  octet(value: number): void {
    this.#reserve(1)
    this.#octets[this.#length++] = value
  }

  uint32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  /** @throws RangeError for what is no whole number. */
  int64(value: number): void {
    const low = ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number below 2^53`)
    this.#reserve(8)
    this.#view.setInt32(this.#length, (value - low) / 0x1_0000_0000)
    this.#view.setUint32(this.#length + 4, low)
    this.#length += 8
  }

  /** Behind its length in four octets. */
  sized(octets: Uint8Array): void {
    this.uint32(octets.length)
    this.octets(octets)
  }

  /** UTF-8, behind its length in four octets. */
  sizedText(text: string): void {
    // No code unit takes more than three octets.
    this.#reserve(4 + 3 * text.length)
    const start = this.#length + 4
    const written = writeAscii(this.#octets, start, text)
      ? text.length
      : encoder.encodeInto(text, this.#octets.subarray(start)).written
    this.#view.setUint32(this.#length, written)
    this.#length = start + written
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.#octets.slice(0, this.#length)
  }

  #reserve(octets: number): void {
    const needed = this.#length + octets
    if (needed <= this.#octets.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#octets.length))
    grown.set(this.#octets)
    this.#octets = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Up to here a loop is faster than the way out of JavaScript. */
const shortText = 40

/** @returns false for what is longer, or not all ASCII; then nothing that was written counts. */
function writeAscii(octets: Uint8Array, start: number, text: string): boolean {
  if (text.length > shortText) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    octets[start + i] = code
  }
  return true
}
