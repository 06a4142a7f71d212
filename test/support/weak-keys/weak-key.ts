import { checkPrimeSync, generatePrimeSync, hash, randomBytes } from 'node:crypto'
import {
  encodeBitString,
  encodeElement,
  encodeSequence,
  encodeUnsignedInteger
} from '../../../src/pki/der/writer.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import type { Subject } from '../../../src/pki/name/subject-field.ts'

/** An RSA key as its numbers, so that it can be as weak as one likes: no library makes such keys. */
export interface RsaNumbers {
  readonly modulus: bigint
  readonly exponent: bigint
  /** Of no use where the exponent has no inverse: then its signatures are rubbish. */
  readonly privateExponent: bigint
}

/** The flaws that a CSR is refused for by name. */
export const flaws = [
  'roca',
  'close-primes',
  'square',
  'small-factor',
  'even-modulus',
  'exponent-1',
  'exponent-3',
  'exponent-even'
] as const
export type Flaw = (typeof flaws)[number]

/** A new key with the flaw, RSA-2048 or as near as the flaw lets it be. */
export function makeWeakKey(flaw: Flaw): RsaNumbers {
  switch (flaw) {
    case 'roca':
      return keyOf([rocaPrime(), rocaPrime()])
    case 'close-primes': {
      const prime = primeOf(1024)
      return keyOf([prime, nextPrime(prime)])
    }
    case 'square': {
      const prime = primeOf(1024)
      return {
        modulus: prime * prime,
        exponent: 65537n,
        privateExponent: inverse(65537n, prime * (prime - 1n))
      }
    }
    case 'small-factor':
      return keyOf([641n, primeOf(1020), primeOf(1020)])
    case 'even-modulus':
      return keyOf([2n, primeOf(1024), primeOf(1024)])
    case 'exponent-1':
      return keyOf([primeOf(1024), primeOf(1024)], 1n)
    case 'exponent-3':
      return keyOf([primeOf(1024, 3n), primeOf(1024, 3n)], 3n)
    case 'exponent-even':
      return { ...keyOf([primeOf(1024), primeOf(1024)]), exponent: 65538n }
  }
}

/** A key with nothing amiss, or with a prime that other keys have as well. */
export function makeSoundKey(sharedPrime = primeOf(1024)): RsaNumbers {
  return keyOf([sharedPrime, primeOf(1024)])
}

/** Of exactly so many bits, the upper two set, so that a product of two has twice as many; e − 1 is not divisible by `exponent`. */
export function primeOf(bits: number, exponent = 65537n): bigint {
  for (;;) {
    const prime = generatePrimeSync(bits, { bigint: true })
    if (prime >> BigInt(bits - 2) === 3n && (prime - 1n) % exponent !== 0n) return prime
  }
}

function nextPrime(prime: bigint): bigint {
  for (let next = prime + 2n; ; next += 2n) if (checkPrimeSync(next)) return next
}

/** As Infineon's library makes those of 1024 bits (CVE-2017-15361): k · M + (65537^a mod M), M the product of the first 126 primes. */
function rocaPrime(): bigint {
  const product = firstPrimes(126).reduce((all, prime) => all * prime, 1n)
  const least = 3n << 1022n
  for (;;) {
    const residue = power(65537n, numberOf(randomBytes(8)), product)
    const k = least / product + (numberOf(randomBytes(8)) % ((1n << 1022n) / product))
    const prime = k * product + residue
    if (prime < 1n << 1024n && checkPrimeSync(prime) && (prime - 1n) % 65537n !== 0n) return prime
  }
}

function firstPrimes(count: number): readonly bigint[] {
  const primes: bigint[] = []
  for (let n = 2n; primes.length < count; n++) if (primes.every(prime => n % prime !== 0n)) primes.push(n)
  return primes
}

function keyOf(primes: readonly bigint[], exponent = 65537n): RsaNumbers {
  const modulus = primes.reduce((all, prime) => all * prime, 1n)
  const totient = primes.reduce((all, prime) => all * (prime - 1n), 1n)
  return { modulus, exponent, privateExponent: inverse(exponent, totient) }
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  return ((x % modulus) + modulus) % modulus
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % modulus
    b = (b * b) % modulus
  }
  return result
}

const numberOf = (octets: Uint8Array) => BigInt(`0x${Buffer.from(octets).toString('hex')}`)

function octetsOf(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

const rsaEncryption = Buffer.from('300d06092a864886f70d0101010500', 'hex')
const sha256WithRsa = Buffer.from('300d06092a864886f70d01010b0500', 'hex')
/** DigestInfo of SHA-256 ahead of the digest (RFC 8017 §9.2). */
const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')

export function spkiOf({ modulus, exponent }: RsaNumbers): Uint8Array {
  const key = encodeSequence(
    encodeUnsignedInteger(octetsOf(modulus)),
    encodeUnsignedInteger(octetsOf(exponent))
  )
  return encodeSequence(rsaEncryption, encodeBitString(key))
}

/** A PKCS#10 request as DER, signed by the key's own numbers. */
export function makeRsaRequest(subject: Subject, key: RsaNumbers): Uint8Array {
  const version = encodeUnsignedInteger(Uint8Array.of(0))
  const info = encodeSequence(version, buildName(subject), spkiOf(key), encodeElement(0xa0))
  return encodeSequence(info, sha256WithRsa, encodeBitString(signatureOf(info, key)))
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.1). */
function signatureOf(signed: Uint8Array, { modulus, privateExponent }: RsaNumbers): Uint8Array {
  const length = octetsOf(modulus).length
  const tail = Buffer.concat([Buffer.of(0), digestInfo, hash('sha256', signed, 'buffer')])
  const padding = Buffer.alloc(length - tail.length - 2, 0xff)
  const message = numberOf(Buffer.concat([Buffer.of(0, 1), padding, tail]))
  const signature = octetsOf(power(message, privateExponent, modulus))
  return Buffer.concat([Buffer.alloc(length - signature.length), signature])
}
