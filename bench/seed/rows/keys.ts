import { createECDH, type KeyObject } from 'node:crypto'

/*
 * Keys and signatures by the thousand, all valid, at a tenth of what OpenSSL takes: a seeded table is to be read by the
 * service, which verifies each certificate that it shows. Nothing here is secret, and none of it is fit to be.
 */

/** P-256 (SEC 2, section 2.4.2). */
const p = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const size = 32

interface Point {
  readonly x: bigint
  readonly y: bigint
}

/** How many keys one multiplication of OpenSSL's yields. */
const stride = 1_000

/** Uncompressed points (0x04, x, y) of distinct keys, without end: a random one, and its sums with 1 to 1,000 times G. */
export function* makePublicKeys(): Generator<Buffer, never> {
  const steps = Array.from({ length: stride }, (_, index) => multipleOfBase(BigInt(index + 1)))
  const ecdh = createECDH('prime256v1')
  for (;;) {
    const start = pointOf(ecdh.generateKeys())
    yield* sumsOf(start, steps)
  }
}

/** Of one point with each of the others, by one inversion for all (Montgomery). */
function* sumsOf(start: Point, others: readonly Point[]): Generator<Buffer, void> {
  const products = [1n]
  for (const { x } of others) products.push((products.at(-1)! * (x - start.x + p)) % p)
  let inverse = invert(products.at(-1)!, p)
  for (let index = others.length - 1; index >= 0; index--) {
    const { x, y } = others[index]!
    const slope = ((y - start.y + p) * ((inverse * products[index]!) % p)) % p
    inverse = (inverse * (x - start.x + p)) % p
    const sumX = (slope * slope + 2n * p - start.x - x) % p
    const sumY = (slope * (start.x - sumX + p) + p - start.y) % p
    yield Buffer.from(`04${hexOf(sumX)}${hexOf(sumY)}`, 'hex')
  }
}

/** Octets of every signature of `createSigner`, as the value of a BIT STRING. */
export const signatureLength = 70

/**
 * Signs digests with ECDSA over P-256, each time with one of the same few nonces: valid, quick, and the ruin of a key that is to
 * be kept.
 *
 * @returns Ecdsa-Sig-Value as DER, always of `signatureLength` octets.
 */
export function createSigner(privateKey: KeyObject): (digest: Buffer) => Buffer {
  const d = BigInt(`0x${Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url').toString('hex')}`)
  const nonces = Array.from({ length: 64 }, (_, index) => makeNonce(BigInt(index + 2))).filter(({ r }) =>
    isFull(r)
  )
  return digest => {
    const z = BigInt(`0x${digest.toString('hex')}`)
    for (const { r, inverse } of nonces) {
      const s = (inverse * (z + r * d)) % n
      const shown = isFull(s) ? s : n - s
      if (isFull(shown)) return Buffer.from(`30440220${hexOf(r)}0220${hexOf(shown)}`, 'hex')
    }
    throw new Error('no nonce gives a signature of the usual length')
  }
}

function makeNonce(k: bigint) {
  return { r: multipleOfBase(k).x % n, inverse: invert(k, n) }
}

/** Takes 32 octets as INTEGER, no more and no less. */
function isFull(value: bigint): boolean {
  return value >> 247n > 0n && value >> 255n === 0n
}

function multipleOfBase(k: bigint): Point {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(Buffer.from(hexOf(k), 'hex'))
  return pointOf(ecdh.getPublicKey())
}

function pointOf(octets: Buffer): Point {
  const hex = octets.toString('hex')
  return { x: BigInt(`0x${hex.slice(2, 2 + 2 * size)}`), y: BigInt(`0x${hex.slice(2 + 2 * size)}`) }
}

/** By Euclid. */
function invert(value: bigint, modulus: bigint): bigint {
  let [rest, next] = [modulus, value % modulus]
  let [factor, nextFactor] = [0n, 1n]
  while (next !== 0n) {
    const quotient = rest / next
    ;[rest, next] = [next, rest - quotient * next]
    ;[factor, nextFactor] = [nextFactor, factor - quotient * nextFactor]
  }
  return ((factor % modulus) + modulus) % modulus
}

function hexOf(value: bigint): string {
  return value.toString(16).padStart(2 * size, '0')
}
