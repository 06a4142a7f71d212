import { pemFrame, pemLineOctets, pemLines } from '../../../../pki/pem/pem.ts'

/** How many octets the PEM of so many octets of DER has. */
export function pemOctetsOf(label: string, derOctets: number): number {
  const { begin, end } = pemFrame(label)
  const base64 = 4 * Math.ceil(derOctets / 3)
  return begin.length + base64 + Math.ceil(derOctets / pemLineOctets) + end.length
}

/** As `encodePem`, of what comes in parts. */
export async function* encodePemInParts(
  label: string,
  der: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  const { begin, end } = pemFrame(label)
  yield Buffer.from(begin)
  let rest: Buffer = Buffer.alloc(0)
  for await (const part of der) {
    const octets = Buffer.concat([rest, part])
    const whole = octets.length - (octets.length % pemLineOctets)
    rest = octets.subarray(whole)
    if (whole > 0) yield Buffer.from(pemLines(octets.subarray(0, whole)))
  }
  if (rest.length > 0) yield Buffer.from(pemLines(rest))
  yield Buffer.from(end)
}
