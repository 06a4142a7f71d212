/**
 * A fresh certificate serial number: 16 octets with 126 random bits. RFC 5280 §4.1.2.2 asks for a positive number
 * of at most 20 octets; the leading bits 01 make it positive and never shorter.
 *
 * @param random 16 fresh random octets; they are not kept.
 * @returns the content octets of the INTEGER.
 */
export function createSerialNumber(random: Uint8Array): Uint8Array {
  const serialNumber = Uint8Array.from(random.subarray(0, 16))
  serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40
  return serialNumber
}
