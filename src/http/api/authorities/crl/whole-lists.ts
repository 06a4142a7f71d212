/** Of all lists that are kept. */
const maximumOctets = 16 * 1024 * 1024

/** Small CRLs as they are sent, those that were asked for last: all who read one at once share its octets. */
export class WholeLists {
  /** By entity tag, which no two contents have. */
  readonly #kept = new Map<string, { readonly whole: Promise<Buffer>; readonly octets: number }>()
  #sum = 0

  /** @param octets of the whole. @param read gives them, where they are not kept. */
  find(etag: string, octets: number, read: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
    const kept = this.#kept.get(etag) ?? { whole: join(read()), octets }
    if (this.#kept.delete(etag)) this.#sum -= octets
    this.#kept.set(etag, kept)
    this.#sum += octets
    kept.whole.catch(() => this.#forget(etag))
    for (const oldest of this.#kept.keys()) {
      if (this.#sum <= maximumOctets) break
      this.#forget(oldest)
    }
    return kept.whole
  }

  #forget(etag: string): void {
    this.#sum -= this.#kept.get(etag)?.octets ?? 0
    this.#kept.delete(etag)
  }
}

async function join(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const whole: Uint8Array[] = []
  for await (const part of parts) whole.push(part)
  return Buffer.concat(whole)
}
