/** Octets of DER in a line of 64 characters (RFC 7468 §2). */
const lineOctets = 48

const begin = (label: string) => `-----BEGIN ${label}-----\n`
const end = (label: string) => `-----END ${label}-----\n`

/** How many octets the PEM of so many octets of DER has. */
export function pemOctetsOf(label: string, derOctets: number): number {
  const base64 = 4 * Math.ceil(derOctets / 3)
  return begin(label).length + base64 + Math.ceil(derOctets / lineOctets) + end(label).length
}

/** As `encodePem`, of what comes in parts. */
export async function* encodePemInParts(
  label: string,
  der: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(begin(label))
  let rest: Buffer = Buffer.alloc(0)
  for await (const part of der) {
    const octets = Buffer.concat([rest, part])
    const whole = octets.length - (octets.length % lineOctets)
    rest = octets.subarray(whole)
    if (whole > 0) yield linesOf(octets.subarray(0, whole))
  }
  if (rest.length > 0) yield linesOf(rest)
  yield Buffer.from(end(label))
}

function linesOf(octets: Buffer): Buffer {
  return Buffer.from(octets.toString('base64').replace(/.{1,64}/g, '$&\n'))
}
