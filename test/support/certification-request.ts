import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  encodeBitString,
  encodeElement,
  encodeSequence,
  encodeUnsignedInteger
} from '../../src/pki/der/writer.ts'
import { buildName } from '../../src/pki/name/name.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'

export interface DeviceKey {
  readonly privateKey: KeyObject
  readonly spkiDer: Uint8Array
}

export function makeDeviceKey(): DeviceKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, spkiDer: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) }
}

const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex')
const noAttributes = encodeElement(0xa0)

/** A PKCS#10 request as DER, signed with ECDSA and SHA-256. Without a key it makes one of its own. */
export function makeCertificationRequest(subject: Subject, key: DeviceKey = makeDeviceKey()): Uint8Array {
  return signCertificationRequest(buildName(subject), key)
}

/** What a request may have instead of the usual. */
export interface Oddities {
  /** The DER of `[0]`, or nothing where it is empty. */
  readonly attributesDer?: Uint8Array
  readonly signatureAlgorithmDer?: Uint8Array
  /** Rewrites the signature, which comes as Ecdsa-Sig-Value, or PKCS#1 of an RSA key. */
  readonly writeSignature?: (signature: Uint8Array) => Uint8Array
}

/** The same over a Name that is already encoded, however odd it is. */
export function signCertificationRequest(
  nameDer: Uint8Array,
  { privateKey, spkiDer }: DeviceKey,
  oddities: Oddities = {}
): Uint8Array {
  const { attributesDer = noAttributes, signatureAlgorithmDer = ecdsaWithSha256 } = oddities
  const { writeSignature = signature => signature } = oddities
  const info = encodeSequence(encodeUnsignedInteger(Uint8Array.of(0)), nameDer, spkiDer, attributesDer)
  const signature = writeSignature(sign('sha256', info, privateKey))
  return encodeSequence(info, signatureAlgorithmDer, encodeBitString(signature))
}
