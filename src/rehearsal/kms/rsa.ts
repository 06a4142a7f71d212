import { constants, createHash, type KeyObject, privateEncrypt, randomBytes } from 'node:crypto'
import {
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence
} from '../../pki/der/writer.ts'
import { hashes, type HashName } from '../../pki/key/signature-algorithm.ts'

/** RSASSA-PKCS1-v1_5 over a digest that was made elsewhere (RFC 8017 §8.2.1, from step 2 of EMSA on). */
export function signPkcs1Digest(privateKey: KeyObject, hash: HashName, digest: Uint8Array): Uint8Array {
  const hashIdentifier = encodeSequence(encodeObjectIdentifier(hashes[hash].oid), encodeNull())
  const digestInfo = encodeSequence(hashIdentifier, encodeOctetString(digest))
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestInfo)
}

/** RSASSA-PSS over a digest that was made elsewhere, MGF1 with the same hash, the salt as long as the digest. */
export function signPssDigest(privateKey: KeyObject, hash: HashName, digest: Uint8Array): Uint8Array {
  const modulusBits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
  const encoded = encodePss({
    hash,
    messageHash: digest,
    salt: randomBytes(digest.length),
    emBits: modulusBits - 1
  })
  return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded)
}

interface PssInput {
  readonly hash: HashName
  readonly messageHash: Uint8Array
  readonly salt: Uint8Array
  readonly emBits: number
}

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1) from step 5 on; names as there. */
function encodePss({ hash, messageHash, salt, emBits }: PssInput): Uint8Array {
  const emLength = Math.ceil(emBits / 8)
  const h = createHash(hash).update(new Uint8Array(8)).update(messageHash).update(salt).digest()
  const db = Buffer.concat([new Uint8Array(emLength - salt.length - h.length - 2), Uint8Array.of(0x01), salt])
  const mask = generateMask(hash, h, db.length)
  const maskedDb = db.map((octet, index) => octet ^ (mask[index] as number))
  maskedDb[0] = (maskedDb[0] as number) & (0xff >> (8 * emLength - emBits))
  return Buffer.concat([maskedDb, h, Uint8Array.of(0xbc)])
}

/** MGF1 (RFC 8017 §B.2.1). */
function generateMask(hash: HashName, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Buffer[] = []
  for (let counter = 0; counter * hashes[hash].octets < length; counter++) {
    const counterOctets = Buffer.alloc(4)
    counterOctets.writeUInt32BE(counter)
    blocks.push(createHash(hash).update(seed).update(counterOctets).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}
