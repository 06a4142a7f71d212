import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createDerRefusal, DerReader } from '../../../src/pki/der/reader.ts'
import { type Curve, unsignedBigInt } from '../../../src/pki/key/elliptic-curve.ts'
import {
  assertKeyAllowed,
  type KeyPolicy,
  parseSubjectPublicKeyInfo,
  type PublicKey
} from '../../../src/pki/key/public-key.ts'
import { modulusFault } from '../../../src/pki/key/rsa-modulus.ts'
import { wholePolicy } from '../csr/csr-fixture.ts'
import { pointersOf, refusalOf } from '../refusal.ts'
import { rsaKeyPair } from './rsa-key.ts'

function parseSpki(der: Uint8Array): PublicKey {
  return parseSubjectPublicKeyInfo(new DerReader(der, createDerRefusal('csr_malformed', 'key'))).key
}

function spkiOf(curve: Curve): Uint8Array {
  return generateKeyPairSync('ec', { namedCurve: curve }).publicKey.export({ type: 'spki', format: 'der' })
}

function octetsOf(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function rsaKey(modulus: bigint, exponent = 65537n): PublicKey {
  return {
    type: 'rsa',
    modulus: octetsOf(modulus),
    publicExponent: octetsOf(exponent),
    modulusBits: modulus.toString(2).length
  }
}

const soundModulus = modulusOf(2048)
const p256 = parseSpki(spkiOf('P-256')) as Extract<PublicKey, { type: 'ec' }>

function modulusOf(bits: Parameters<typeof rsaKeyPair>[0]): bigint {
  return modulusIn(rsaKeyPair(bits).publicKey)
}

function modulusIn(publicKey: KeyObject): bigint {
  const key = parseSpki(publicKey.export({ type: 'spki', format: 'der' }))
  return unsignedBigInt((key as Extract<PublicKey, { type: 'rsa' }>).modulus)
}

function withPoint(point: Uint8Array): PublicKey {
  return { ...p256, point }
}

function withY(y: bigint): PublicKey {
  return withPoint(
    Buffer.concat([p256.point.subarray(0, 33), Buffer.from(y.toString(16).padStart(64, '0'), 'hex')])
  )
}

const p256Prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const ownY = unsignedBigInt(p256.point.subarray(33))

/** A number with the residues that Infineon's generator leaves: a power of 65537 modulo each small prime. */
function rocaModulus(): bigint {
  const primes = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97]
  primes.push(101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167)
  const primorial = primes.reduce((product, prime) => product * BigInt(prime), 2n)
  const residue = 65537n ** 5n % primorial
  for (let k = soundModulus / primorial; ; k++) {
    const modulus = k * primorial + residue
    if (modulusFault(modulus)?.weakness !== 'small-factor') return modulus
  }
}

/** Two odd numbers a given distance apart, without small factors in the product. */
function closeFactors(distance: bigint): bigint {
  for (let p = 3n * 2n ** 1022n + 1n; ; p += 2n) {
    const modulus = p * (p + distance)
    if (modulusFault(modulus)?.weakness !== 'small-factor') return modulus
  }
}

const faults: Readonly<Record<string, readonly [string, PublicKey]>> = {
  'the point at infinity': ['/publicKey/point', withPoint(Uint8Array.of(0))],
  'no point': ['/publicKey/point', withPoint(new Uint8Array())],
  'a compressed point': [
    '/publicKey/point',
    withPoint(Buffer.concat([Uint8Array.of(2), p256.point.subarray(1, 33)]))
  ],
  'a hybrid point': [
    '/publicKey/point',
    withPoint(Buffer.concat([Uint8Array.of(6), p256.point.subarray(1)]))
  ],
  'a point too short': ['/publicKey/point', withPoint(p256.point.subarray(0, -1))],
  'a point too long': ['/publicKey/point', withPoint(Buffer.concat([p256.point, Uint8Array.of(0)]))],
  'the point (0, 0)': ['/publicKey/point', withPoint(Buffer.concat([Uint8Array.of(4), new Uint8Array(64)]))],
  'a point off the curve': ['/publicKey/point', withY(ownY ^ 1n)],
  'a coordinate equal to the prime': ['/publicKey/point', withY(p256Prime)],
  'a point of another curve': ['/publicKey/point', { ...p256, curve: 'P-384' }],
  'an RSA modulus of 1024 bits': ['/publicKey/modulus', rsaKey(modulusOf(1024))],
  'an RSA modulus of 2047 bits': ['/publicKey/modulus', rsaKey(modulusOf(2047))],
  'an RSA modulus of 4097 bits': ['/publicKey/modulus', rsaKey(2n ** 4096n + 1n)],
  'an RSA modulus of zero': [
    '/publicKey/modulus',
    { type: 'rsa', modulus: Uint8Array.of(0), publicExponent: octetsOf(65537n), modulusBits: 0 }
  ],
  'an even RSA modulus': ['/publicKey/modulus', rsaKey(soundModulus - 1n)],
  'an RSA modulus divisible by 3': [
    '/publicKey/modulus',
    rsaKey(soundModulus - (soundModulus % 3n) + (soundModulus % 2n === (soundModulus % 3n) % 2n ? 3n : 0n))
  ],
  'an RSA modulus divisible by 751': ['/publicKey/modulus', rsaKey(751n * (2n ** 2040n + 1n))],
  'an RSA modulus with the ROCA fingerprint': ['/publicKey/modulus', rsaKey(rocaModulus())],
  'an RSA modulus that is a square': ['/publicKey/modulus', rsaKey(closeFactors(0n))],
  'an RSA modulus of twin factors': ['/publicKey/modulus', rsaKey(closeFactors(2n))],
  'an RSA modulus of close factors': ['/publicKey/modulus', rsaKey(closeFactors(2n ** 515n))],
  'an RSA exponent of 0': ['/publicKey/publicExponent', rsaKey(soundModulus, 0n)],
  'an RSA exponent of 1': ['/publicKey/publicExponent', rsaKey(soundModulus, 1n)],
  'an RSA exponent of 3': ['/publicKey/publicExponent', rsaKey(soundModulus, 3n)],
  'an even RSA exponent': ['/publicKey/publicExponent', rsaKey(soundModulus, 65538n)],
  'an RSA exponent of 2^256 + 1': ['/publicKey/publicExponent', rsaKey(soundModulus, 2n ** 256n + 1n)],
  'a kind of key that is not supported': ['/publicKey', { type: 'unsupported', found: 'Ed25519' }]
}

describe('a public key', () => {
  it.each(['P-256', 'P-384', 'P-521'] as const)('on %s is on its curve by our own arithmetic', curve => {
    for (let i = 0; i < 20; i++) assertKeyAllowed(parseSpki(spkiOf(curve)), wholePolicy)
  })

  it.each([2048, 3072, 4096] as const)('of RSA-%i is allowed', bits => {
    assertKeyAllowed(rsaKey(modulusOf(bits)), wholePolicy)
    assertKeyAllowed(rsaKey(soundModulus, 2n ** 256n - 1n), wholePolicy)
  })

  it.each(Object.entries(faults))('%s is refused', async (_, [pointer, key]) => {
    const error = await refusalOf(() => assertKeyAllowed(key, wholePolicy))
    expect(error?.code).toBe('key_refused')
    expect(pointersOf(error)).toEqual([pointer])
  })

  it('tells all faults at once', async () => {
    const error = await refusalOf(() => assertKeyAllowed(rsaKey(2n ** 1023n, 3n), wholePolicy))
    expect(pointersOf(error)).toEqual(['/publicKey/modulus', '/publicKey/publicExponent'])
  })

  interface PolicyCase {
    readonly policy: KeyPolicy
    readonly key: PublicKey
    readonly pointer: string
  }
  const policies: Readonly<Record<string, PolicyCase>> = {
    'P-256 where P-384 is asked': {
      policy: { ec: { curves: ['P-384'] } },
      key: p256,
      pointer: '/publicKey/curve'
    },
    'EC where RSA is asked': {
      policy: { rsa: { minimumBits: 2048, maximumBits: 2048 } },
      key: p256,
      pointer: '/publicKey'
    },
    'RSA where EC is asked': {
      policy: { ec: { curves: ['P-256'] } },
      key: rsaKey(soundModulus),
      pointer: '/publicKey'
    },
    'RSA-2048 where 3072 is asked': {
      policy: { rsa: { minimumBits: 3072, maximumBits: 4096 } },
      key: rsaKey(soundModulus),
      pointer: '/publicKey/modulus'
    },
    'RSA-1024 even where a policy says so': {
      policy: { rsa: { minimumBits: 1024, maximumBits: 4096 } },
      key: rsaKey(modulusOf(1024)),
      pointer: '/publicKey/modulus'
    },
    'anything where nothing is listed': { policy: {}, key: p256, pointer: '/publicKey' }
  }
  it.each(Object.entries(policies))('%s is refused', async (_, { policy, key, pointer }) => {
    const error = await refusalOf(() => assertKeyAllowed(key, policy))
    expect(error?.code).toBe('key_refused')
    expect(pointersOf(error)).toEqual([pointer])
  })

  it.each(['P-256', 'P-384', 'P-521'] as const)('off %s is refused by the import, too', curve => {
    const spki = Buffer.from(spkiOf(curve))
    createPublicKey({ key: spki, format: 'der', type: 'spki' })
    spki[spki.length - 1] = (spki.at(-1) as number) ^ 1
    expect(() => createPublicKey({ key: spki, format: 'der', type: 'spki' })).toThrow()
  })

  it('random moduli pass the weakness checks', () => {
    for (let i = 0; i < 3; i++) {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      expect(modulusFault(modulusIn(publicKey))).toBeUndefined()
    }
  })
})
