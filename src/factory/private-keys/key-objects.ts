import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { encodeElement, encodeSequence, encodeUnsignedInteger } from '../../pki/der/writer.ts'

interface Curve {
  /** In RFC 5656 §10.1. */
  readonly sshName: string
  /** In RFC 7518 §6.2.1.1. */
  readonly name: string
  /** The encoding of its object identifier. */
  readonly oid: Uint8Array
  /** Octets of a scalar. */
  readonly length: number
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

const curves: readonly Curve[] = [
  { sshName: 'nistp256', name: 'P-256', oid: fromHex('06082a8648ce3d030107'), length: 32 },
  { sshName: 'nistp384', name: 'P-384', oid: fromHex('06052b81040022'), length: 48 },
  { sshName: 'nistp521', name: 'P-521', oid: fromHex('06052b81040023'), length: 66 }
]

export const curveNames: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  curves.map(({ sshName, name }) => [sshName, name])
)

/** The keys that a scalar is, on the curve that is named or on that of its length; their points are worked out. */
export function ecKeysOf(scalar: Uint8Array, curveOid: Uint8Array | undefined): readonly KeyObject[] {
  const oids =
    curveOid === undefined
      ? curves.filter(({ length }) => length === scalar.length).map(({ oid }) => oid)
      : [curveOid]
  return oids.flatMap(oid => readOr(() => ecKey(scalar, oid)) ?? [])
}

/** The same of an integer as SSH writes it, without leading zeros or with one. */
export function ecKeyOf(integer: Uint8Array, sshName: string): KeyObject | undefined {
  const curve = curves.find(each => each.sshName === sshName)
  if (curve === undefined) return undefined
  const octets = withoutLeadingZero(integer)
  if (octets.length > curve.length) return undefined
  const scalar = new Uint8Array(curve.length)
  scalar.set(octets, curve.length - octets.length)
  return ecKey(scalar, curve.oid)
}

/** SEC 1 (RFC 5915) without the point. */
function ecKey(scalar: Uint8Array, curveOid: Uint8Array): KeyObject {
  const key = encodeSequence(
    encodeUnsignedInteger(Uint8Array.of(1)),
    encodeElement(0x04, scalar),
    encodeElement(0xa0, curveOid)
  )
  return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'sec1' })
}

export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): KeyObject {
  const base64Url = (octets: Uint8Array) => Buffer.from(withoutLeadingZero(octets)).toString('base64url')
  return createPublicKey({
    key: { kty: 'RSA', n: base64Url(modulus), e: base64Url(exponent) },
    format: 'jwk'
  })
}

function withoutLeadingZero(octets: Uint8Array): Uint8Array {
  return octets[0] === 0 ? octets.subarray(1) : octets
}

/** What cannot be read is no error here: its bytes are foreign, and it is refused all the same. */
export function readOr<Read>(read: () => Read): Read | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
