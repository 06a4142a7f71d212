import { tags } from '../../der/tag.ts'
import { encodeGeneralizedTime, encodeTime } from '../../der/time.ts'
import { encodeElement, encodeObjectIdentifier, encodeOctetString, encodeSequence } from '../../der/writer.ts'
import { reasonCodes, type RevocationReason } from '../reason.ts'

/** What a CRL says of one certificate (RFC 5280 §5.1.2.6). */
export interface RevokedCertificate {
  /** Content octets of the INTEGER, at most 20. */
  readonly serialNumber: Uint8Array
  /** Whole seconds; a fraction is dropped. */
  readonly revocationDate: Date
  readonly reason: RevocationReason
  /** Since when its key may have been in other hands. */
  readonly invalidityDate?: Date | undefined
}

export const entryExtensionOids = { reasonCode: '2.5.29.21', invalidityDate: '2.5.29.24' } as const

const enumerated = 0x0a
const invalidityDateOid = encodeObjectIdentifier(entryExtensionOids.invalidityDate)
const none = new Uint8Array()

/** `unspecified` is told by no reasonCode at all (RFC 5280 §5.3.1). */
const reasonExtensions = Object.fromEntries(
  Object.entries(reasonCodes).map(([reason, code]) => [
    reason,
    code === 0
      ? none
      : encodeSequence(
          encodeObjectIdentifier(entryExtensionOids.reasonCode),
          encodeOctetString(encodeElement(enumerated, Uint8Array.of(code)))
        )
  ])
) as Readonly<Record<RevocationReason, Uint8Array>>

const maximumSerialOctets = 20
/** Of an entry with all that it can hold: no length in it takes more than one octet. */
const maximumEntryOctets = 100
const blockOctets = 64 * 1024

/**
 * The entries of a CRL, one after another, in blocks of some 64 KiB: as much memory as the octets take, and time that grows
 * with their number alone.
 */
export class RevokedCertificatesWriter {
  readonly blocks: Uint8Array[] = []
  octets = 0
  count = 0
  /** Those that no later CRL may leave out: all but those on hold, and those that are put back into use. */
  finalCount = 0
  #block = new Uint8Array(blockOctets)
  #used = 0
  /** Of many that were revoked at once the time is the same. */
  #lastSecond = Number.NaN
  #lastTime: Uint8Array = none

  add({ serialNumber, revocationDate, reason, invalidityDate }: RevokedCertificate): void {
    if (serialNumber.length === 0 || serialNumber.length > maximumSerialOctets)
      throw new RangeError('A serial number has 1 to 20 octets')
    if (this.#used + maximumEntryOctets > blockOctets) this.#endBlock()
    const time = this.#timeOf(revocationDate)
    const reasonExtension = reasonExtensions[reason]
    const invalidity = invalidityDate === undefined ? none : encodeInvalidityDate(invalidityDate)
    const extensionOctets = reasonExtension.length + invalidity.length
    const block = this.#block
    const start = this.#used
    block[start] = tags.sequence
    block[start + 2] = tags.integer
    block[start + 3] = serialNumber.length
    block.set(serialNumber, start + 4)
    let offset = start + 4 + serialNumber.length
    block.set(time, offset)
    offset += time.length
    if (extensionOctets > 0) {
      block[offset] = tags.sequence
      block[offset + 1] = extensionOctets
      block.set(reasonExtension, offset + 2)
      block.set(invalidity, offset + 2 + reasonExtension.length)
      offset += 2 + extensionOctets
    }
    block[start + 1] = offset - start - 2
    this.#used = offset
    this.octets += offset - start
    this.count += 1
    if (reason !== 'certificateHold' && reason !== 'removeFromCRL') this.finalCount += 1
  }

  /** No entry is added after this. @returns all blocks. */
  finish(): readonly Uint8Array[] {
    this.#endBlock()
    return this.blocks
  }

  #endBlock(): void {
    if (this.#used > 0) this.blocks.push(this.#block.subarray(0, this.#used))
    this.#block = new Uint8Array(blockOctets)
    this.#used = 0
  }

  #timeOf(date: Date): Uint8Array {
    const second = Math.floor(date.getTime() / 1000)
    if (second !== this.#lastSecond) {
      this.#lastTime = encodeTime(date)
      this.#lastSecond = second
    }
    return this.#lastTime
  }
}

/** The extension (RFC 5280 §5.3.2). */
export function encodeInvalidityDate(date: Date): Uint8Array {
  return encodeSequence(invalidityDateOid, encodeOctetString(encodeGeneralizedTime(date)))
}
