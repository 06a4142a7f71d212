import { constants, createPublicKey, hash, type KeyObject, verify as verifyWith } from 'node:crypto'
import type { DigestName, ImportablePublicKey, SignedMessage, VerifiableBytes } from './crypto-port.ts'
import { encodeMessageKey } from './message-key.ts'

export type VerificationKey = KeyObject

export function digest(name: DigestName, octets: Uint8Array): Uint8Array {
  return new Uint8Array(hash(name, octets, 'buffer'))
}

export function digestHex(name: DigestName, octets: Uint8Array): string {
  return hash(name, octets, 'hex')
}

export async function importPublicKey({ spkiDer }: ImportablePublicKey): Promise<VerificationKey> {
  return createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' })
}

/** Runs in the thread pool. */
export async function verify(bytes: VerifiableBytes<VerificationKey>): Promise<boolean> {
  const { scheme, saltLength, key, signed, signature } = bytes
  if (key.asymmetricKeyType !== scheme.keyType) return false
  if (scheme.padding === 'pss' && !isAsLongAsModulus(key, signature)) return false
  const verificationKey =
    scheme.padding === 'pss' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : { key }
  return settle(done => verifyWith(scheme.hash, signed, verificationKey, signature, done))
}

/** Runs in the thread pool. */
export async function verifyMessage(signed: SignedMessage): Promise<boolean> {
  const { algorithm, publicKey, message, signature } = signed
  const key = createPublicKey({
    key: Buffer.from(encodeMessageKey(algorithm, publicKey)),
    format: 'der',
    type: 'spki'
  })
  return settle(done => verifyWith(null, message, key, signature, done))
}

type Done = (error: Error | null, isValid: boolean) => void

function settle(start: (done: Done) => void): Promise<boolean> {
  return new Promise((resolve, reject) =>
    start((error, isValid) => {
      if (error === null) resolve(isValid)
      else reject(error)
    })
  )
}

/** RFC 8017 §8.1.2, step 1. OpenSSL takes a signature whose leading zeros were dropped. */
function isAsLongAsModulus(key: KeyObject, signature: Uint8Array): boolean {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  return signature.length === Math.ceil(modulusLength / 8)
}
