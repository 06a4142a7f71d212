import type { DigestName } from '../crypto/crypto-port.ts'
import { toHex } from '../der/octet-text.ts'
import { isEqual } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { parseSubjectPublicKeyInfo } from '../key/public-key.ts'

import { digest } from '#crypto'

/**
 * One CertID of a request (RFC 6960 §4.1.1). Byte arrays are views. Of the hash, SHA-1 is what nearly every client
 * sends (RFC 5019 §2.1.1); it names the issuer and proves nothing.
 */
export interface CertificateId {
  /** Undefined for a hash that names no issuer here. */
  readonly hash: DigestName | undefined
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  /** The CertID as it came, which an answer repeats. */
  readonly der: Uint8Array
}

const hashNames: ReadonlyMap<string, DigestName> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256']
])

/** Longer serial numbers are in no certificate of ours (RFC 5280 §4.1.2.2). */
const maximumSerialOctets = 20
const maximumHashOctets = 64

/** Reads a CertID. Parameters of the hash are NULL or absent, and of no consequence. */
export function parseCertificateId(container: DerReader): CertificateId {
  const start = container.offset
  const reader = container.readSequence('a CertID')
  const end = container.offset
  const algorithm = reader.readSequence('hashAlgorithm')
  const hash = hashNames.get(algorithm.readObjectIdentifier('hashAlgorithm'))
  if (!algorithm.isAtEnd) algorithm.readNull('the parameters of hashAlgorithm')
  algorithm.assertEnd('hashAlgorithm')
  const issuerNameHash = boundedOctets(reader, 'issuerNameHash')
  const issuerKeyHash = boundedOctets(reader, 'issuerKeyHash')
  const serialStart = reader.offset
  const serialNumber = reader.readInteger('serialNumber')
  if (serialNumber.length > maximumSerialOctets) throw reader.refuse('serialNumber is too long', serialStart)
  reader.assertEnd('a CertID')
  return { hash, issuerNameHash, issuerKeyHash, serialNumber, der: container.bytes.subarray(start, end) }
}

function boundedOctets(reader: DerReader, what: string): Uint8Array {
  const start = reader.offset
  const octets = reader.readOctetString(what)
  if (octets.length > maximumHashOctets) throw reader.refuse(`${what} is too long`, start)
  return octets
}

/** How requests name an issuer, by each hash. */
export type IssuerNaming = Readonly<
  Record<DigestName, { readonly nameHash: Uint8Array; readonly keyHash: Uint8Array }>
>

/** @throws MintlineError `key_unusable` for a key that cannot be read. */
export function nameIssuer(issuer: {
  readonly subjectNameDer: Uint8Array
  readonly spkiDer: Uint8Array
}): IssuerNaming {
  const reader = new DerReader(
    issuer.spkiDer,
    createDerRefusal('key_unusable', 'public key of the authority')
  )
  const { subjectPublicKey } = parseSubjectPublicKeyInfo(reader)
  const by = (name: DigestName) => ({
    nameHash: digest(name, issuer.subjectNameDer),
    keyHash: digest(name, subjectPublicKey)
  })
  return { sha1: by('sha1'), sha256: by('sha256') }
}

/** Whether a request is of a certificate of this issuer. */
export function isOfIssuer(
  { hash, issuerNameHash, issuerKeyHash }: CertificateId,
  naming: IssuerNaming
): boolean {
  if (hash === undefined) return false
  const { nameHash, keyHash } = naming[hash]
  return isEqual(nameHash, issuerNameHash) && isEqual(keyHash, issuerKeyHash)
}

/** What tells a CertID from every other, as text. */
export function keyOfCertificateId({ der }: Pick<CertificateId, 'der'>): string {
  return toHex(der)
}
