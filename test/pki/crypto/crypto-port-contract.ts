import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CryptoPort } from '../../../src/pki/crypto/crypto-port.ts'
import { encodeUtf8 } from '../../../src/pki/der/octets.ts'
import type { Curve } from '../../../src/pki/key/elliptic-curve.ts'
import {
  hashes,
  type SignatureAlgorithm,
  signatureAlgorithms,
  signatureScheme
} from '../../../src/pki/key/signature-algorithm.ts'
import { rsaKeyPair } from '../key/rsa-key.ts'

const curves: readonly Curve[] = ['P-256', 'P-384', 'P-521']
const message = encodeUtf8('what is signed')

function spkiOf(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
}

function signWith(algorithm: SignatureAlgorithm, privateKey: KeyObject, saltLength: number): Uint8Array {
  const { hash, padding } = signatureScheme(algorithm)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  return new Uint8Array(sign(hash, message, { key: privateKey, ...(padding === 'pss' && pss) }))
}

/** Of many signatures one of the fewest octets: a number in it begins with zeros, which DER leaves out. */
function shortestOf(signatures: readonly Uint8Array[]): Uint8Array {
  return signatures.reduce((shortest, next) => (next.length < shortest.length ? next : shortest))
}

/** What every platform's cryptography has to do alike. */
export function describeCryptoPort<Key>(platform: string, port: CryptoPort<Key>): void {
  describe(`the cryptography of ${platform}`, () => {
    // FIPS 180-4, the examples of NIST.
    it.each([
      ['sha1', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
      ['sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad']
    ] as const)('makes the %s of "abc"', (name, hex) => {
      const octets = encodeUtf8('xabc').subarray(1)
      expect(port.digestHex(name, octets)).toBe(hex)
      expect(port.digest(name, octets)).toEqual(Uint8Array.fromHex(hex))
    })

    it('gives digests that share no memory with others', () => {
      const { buffer, byteLength } = port.digest('sha256', message)
      expect(buffer.byteLength).toBe(byteLength)
    })

    // RFC 8032 §7.1, test 2.
    it('verifies the Ed25519 of the standard', async () => {
      const signed = {
        algorithm: 'Ed25519' as const,
        publicKey: Uint8Array.fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
        message: Uint8Array.of(0x72),
        signature: Uint8Array.fromHex(
          '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
            '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
        )
      }
      expect(await port.verifyMessage(signed)).toBe(true)
      expect(await port.verifyMessage({ ...signed, message: Uint8Array.of(0x73) })).toBe(false)
    })

    it.each(['Ed25519', 'ML-DSA-44'] as const)('verifies %s over a message', async algorithm => {
      const { publicKey, privateKey } =
        algorithm === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ml-dsa-44')
      const spki = spkiOf(publicKey)
      const signature = new Uint8Array(sign(null, message, privateKey))
      const raw = spki.slice(algorithm === 'Ed25519' ? 12 : 22)
      const signed = { algorithm, publicKey: raw, message, signature }
      expect(await port.verifyMessage(signed)).toBe(true)
      expect(await port.verifyMessage({ ...signed, message: message.subarray(1) })).toBe(false)
      expect(await port.verifyMessage({ ...signed, signature: signature.subarray(1) })).toBe(false)
      expect(await port.verifyMessage({ ...signed, signature: signature.with(9, signature[9]! ^ 1) })).toBe(
        false
      )
      expect(await port.verifyMessage({ ...signed, signature: new Uint8Array() })).toBe(false)
    })

    const rsa = rsaKeyPair()
    let rsaKey: Key
    beforeAll(async () => {
      rsaKey = await port.importPublicKey({ spkiDer: spkiOf(rsa.publicKey), curve: undefined })
    })

    const rsaAlgorithms = signatureAlgorithms.filter(name => signatureScheme(name).keyType === 'rsa')
    it.each(rsaAlgorithms)('verifies %s', async algorithm => {
      const scheme = signatureScheme(algorithm)
      const saltLength = hashes[scheme.hash].octets
      const signature = signWith(algorithm, rsa.privateKey, saltLength)
      const bytes = { scheme, saltLength, key: rsaKey, signed: message, signature }
      expect(await port.verify(bytes)).toBe(true)
      expect(await port.verify({ ...bytes, signed: message.subarray(1) })).toBe(false)
      expect(await port.verify({ ...bytes, signature: signature.subarray(1) })).toBe(false)
      expect(await port.verify({ ...bytes, signature: signature.with(9, signature[9]! ^ 1) })).toBe(false)
      if (scheme.padding === 'pss') expect(await port.verify({ ...bytes, saltLength: 20 })).toBe(false)
    })

    const pssAlgorithms = rsaAlgorithms.filter(name => signatureScheme(name).padding === 'pss')
    it.each(pssAlgorithms)('does not take %s without its leading zero', async algorithm => {
      const scheme = signatureScheme(algorithm)
      const saltLength = hashes[scheme.hash].octets
      // Each is salted anew, and one of 256 begins so.
      let signature = signWith(algorithm, rsa.privateKey, saltLength)
      while (signature[0] !== 0) signature = signWith(algorithm, rsa.privateKey, saltLength)
      const bytes = { scheme, saltLength, key: rsaKey, signed: message, signature }
      expect(await port.verify(bytes)).toBe(true)
      expect(await port.verify({ ...bytes, signature: signature.subarray(1) })).toBe(false)
    })

    const ecAlgorithms = signatureAlgorithms.filter(name => signatureScheme(name).keyType === 'ec')
    const pairs = curves.flatMap(curve => ecAlgorithms.map(algorithm => ({ curve, algorithm })))
    it.each(pairs)('verifies $algorithm on $curve', async ({ curve, algorithm }) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
      const key = await port.importPublicKey({ spkiDer: spkiOf(publicKey), curve })
      const scheme = signatureScheme(algorithm)
      const bytes = {
        scheme,
        saltLength: 0,
        key,
        signed: message,
        signature: signWith(algorithm, privateKey, 0)
      }
      expect(await port.verify(bytes)).toBe(true)
      expect(await port.verify({ ...bytes, signed: message.subarray(1) })).toBe(false)
      const otherType = {
        scheme: signatureScheme('sha256WithRSAEncryption'),
        saltLength: 0,
        key,
        signed: message
      }
      expect(await port.verify({ ...otherType, signature: new Uint8Array(256) })).toBe(false)
    })

    it.each([
      ['P-256', 300],
      ['P-384', 150],
      ['P-521', 10]
    ] as const)('verifies a number that is shorter than %s, of %i signatures', async (curve, count) => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
      const key = await port.importPublicKey({ spkiDer: spkiOf(publicKey), curve })
      const signature = shortestOf(
        Array.from({ length: count }, () => signWith('ecdsa-with-SHA256', privateKey, 0))
      )
      const bytes = {
        scheme: signatureScheme('ecdsa-with-SHA256'),
        saltLength: 0,
        key,
        signed: message,
        signature
      }
      expect(await port.verify(bytes)).toBe(true)
      expect(await port.verify({ ...bytes, signed: message.subarray(1) })).toBe(false)
    })

    it('takes no number that is longer than the curve', async () => {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const key = await port.importPublicKey({ spkiDer: spkiOf(publicKey), curve: 'P-256' })
      const long = signWith(
        'ecdsa-with-SHA256',
        generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
        0
      )
      const scheme = signatureScheme('ecdsa-with-SHA256')
      const bytes = { scheme, saltLength: 0, key, signed: message }
      expect(await port.verify({ ...bytes, signature: long })).toBe(false)
      expect(await port.verify({ ...bytes, signature: signWith('ecdsa-with-SHA256', privateKey, 0) })).toBe(
        true
      )
    })

    it('says false for a signature by an EC key where an RSA key should verify it', async () => {
      const scheme = signatureScheme('ecdsa-with-SHA256')
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const signature = signWith('ecdsa-with-SHA256', privateKey, 0)
      expect(await port.verify({ scheme, saltLength: 0, key: rsaKey, signed: message, signature })).toBe(
        false
      )
    })

    it.each(curves)('imports no point off %s', async curve => {
      const spkiDer = spkiOf(generateKeyPairSync('ec', { namedCurve: curve }).publicKey)
      spkiDer[spkiDer.length - 1]! ^= 1
      await expect(port.importPublicKey({ spkiDer, curve })).rejects.toThrow()
    })

    it('imports no key that is cut off', async () => {
      const spkiDer = spkiOf(rsa.publicKey)
      await expect(
        port.importPublicKey({ spkiDer: spkiDer.subarray(0, 200), curve: undefined })
      ).rejects.toThrow()
    })
  })
}
