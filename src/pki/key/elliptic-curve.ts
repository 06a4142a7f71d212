import { toHex } from '../der/octet-text.ts'

/** The curves that AWS IoT accepts (SEC 2 §2.4–2.6, NIST SP 800-186 §3.2.1). */
export type Curve = 'P-256' | 'P-384' | 'P-521'

interface CurveParameters {
  readonly oid: string
  readonly fieldOctets: number
  readonly prime: bigint
  /** The coefficient b of y² = x³ − 3x + b. */
  readonly b: bigint
}

const parameters: Readonly<Record<Curve, CurveParameters>> = {
  'P-256': {
    oid: '1.2.840.10045.3.1.7',
    fieldOctets: 32,
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
  },
  'P-384': {
    oid: '1.3.132.0.34',
    fieldOctets: 48,
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn
  },
  'P-521': {
    oid: '1.3.132.0.35',
    fieldOctets: 66,
    prime: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n
  }
}

const byOid = new Map((Object.keys(parameters) as Curve[]).map(curve => [parameters[curve].oid, curve]))

const otherCurveNames: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.3.1.1', 'P-192'],
  ['1.3.132.0.33', 'P-224'],
  ['1.3.132.0.10', 'secp256k1'],
  ['1.3.36.3.3.2.8.1.1.7', 'brainpoolP256r1'],
  ['1.3.36.3.3.2.8.1.1.11', 'brainpoolP384r1'],
  ['1.3.36.3.3.2.8.1.1.13', 'brainpoolP512r1'],
  ['1.2.156.10197.1.301', 'SM2']
])

export function curveOfOid(oid: string): Curve | undefined {
  return byOid.get(oid)
}

/** A readable name for a curve that is not accepted. */
export function otherCurveName(oid: string): string {
  return otherCurveNames.get(oid) ?? oid
}

/**
 * Why an encoded public point is not acceptable, or `undefined`: it must be uncompressed, with coordinates
 * below the prime, and on the curve (SEC 1 §3.2.2.1; the cofactor is 1, so that is enough).
 */
export function pointFault(curve: Curve, point: Uint8Array): string | undefined {
  const { fieldOctets, prime, b } = parameters[curve]
  if (point.length === 1 && point[0] === 0) return 'the point at infinity'
  if (point[0] === 2 || point[0] === 3) return 'a compressed point'
  if (point[0] === 6 || point[0] === 7) return 'a point in hybrid form'
  if (point[0] !== 4) return 'a point that is not in uncompressed form'
  if (point.length !== 1 + 2 * fieldOctets) return `a point of ${point.length} octets`
  const x = unsignedBigInt(point.subarray(1, 1 + fieldOctets))
  const y = unsignedBigInt(point.subarray(1 + fieldOctets))
  if (x >= prime || y >= prime) return 'a coordinate beyond the field prime'
  // In one reduction: y² − x(x² − 3) − b is a multiple of the prime exactly on the curve.
  return (y * y - x * (x * x - 3n) - b) % prime === 0n ? undefined : 'a point that is not on the curve'
}

/** The octets of a coordinate, and of each of the two numbers of a signature: the orders are as long as the primes. */
export function fieldOctetsOf(curve: Curve): number {
  return parameters[curve].fieldOctets
}

/** True for a compressed or hybrid point (SEC 1 §2.3.3) of the curve: the same key, written in another form. */
export function isPointInOtherForm(curve: Curve, point: Uint8Array): boolean {
  const { fieldOctets } = parameters[curve]
  const [form] = point
  if (form === 6 || form === 7) return pointFault(curve, Uint8Array.of(4, ...point.subarray(1))) === undefined
  if ((form !== 2 && form !== 3) || point.length !== 1 + fieldOctets) return false
  return hasPointAt(curve, unsignedBigInt(point.subarray(1)))
}

/** Euler's criterion: whether x³ − 3x + b is a square. */
function hasPointAt(curve: Curve, x: bigint): boolean {
  const { prime, b } = parameters[curve]
  if (x >= prime) return false
  const square = (((x * (x * x - 3n) + b) % prime) + prime) % prime
  let power = 1n
  for (const bit of ((prime - 1n) / 2n).toString(2)) {
    power = (power * power) % prime
    if (bit === '1') power = (power * square) % prime
  }
  return power === 1n || square === 0n
}

/** Big-endian octets as a number. */
export function unsignedBigInt(octets: Uint8Array): bigint {
  if (octets.length === 0) return 0n
  return BigInt(`0x${toHex(octets)}`)
}
