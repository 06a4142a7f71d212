import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import { isEqual } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextPrimitive, tags } from '../der/tag.ts'
import { type CertificateTime, parseTime } from '../der/time.ts'
import { encodeBitString, encodeSequence } from '../der/writer.ts'
import { parseSignatureAlgorithm, type SignatureAlgorithmIdentifier } from '../key/algorithm-identifier.ts'
import { parseSubjectPublicKeyInfo, type SubjectPublicKeyInfo } from '../key/public-key.ts'
import { isSignatureValid } from '../key/signature.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { openSigned } from '../key/signed.ts'
import { type Name, parseName, subjectOf } from '../name/name.ts'
import type { Subject } from '../name/subject-field.ts'
import { type Extensions, parseExtensions } from './extension.ts'

import { digestHex, type VerificationKey } from '#crypto'

/** The parts of a TBSCertificate (RFC 5280 §4.1.2), read strictly. Byte arrays are views. */
export interface TbsCertificate {
  readonly tbsDer: Uint8Array
  /** As encoded: 0 is v1, 2 is v3. */
  readonly version: number
  /** The content octets of the INTEGER, with the leading zero that keeps a high bit positive. */
  readonly serialNumber: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly issuerName: Name
  readonly notBefore: Date
  readonly notAfter: Date
  readonly validity: { readonly notBefore: CertificateTime; readonly notAfter: CertificateTime }
  readonly subjectName: Name
  /** The values of the subject fields. */
  readonly subject: Subject
  readonly subjectPublicKeyInfo: SubjectPublicKeyInfo
  readonly extensions: Extensions
}

export interface Certificate extends TbsCertificate {
  readonly der: Uint8Array
  /** The one outside the TBSCertificate. */
  readonly outerSignatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
}

/** Of a certificate that has none. */
export const noExtensions: Extensions = {
  all: [],
  basicConstraints: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  subjectKeyIdentifier: undefined,
  authorityKeyIdentifier: undefined
}

/** A Certificate from the bytes that were signed and the signature as its algorithm makes it (ECDSA: DER). */
export function assembleCertificate(
  tbsDer: Uint8Array,
  signatureAlgorithm: SignatureAlgorithm,
  signatureValue: Uint8Array
): Uint8Array {
  return encodeSequence(tbsDer, signatureAlgorithmDer(signatureAlgorithm), encodeBitString(signatureValue))
}

/** Reads a Certificate strictly. Throws `code` for anything malformed. */
export function parseCertificate(der: Uint8Array, code: ErrorCode = 'certificate_mismatch'): Certificate {
  const { tbsDer, signatureAlgorithm: outerSignatureAlgorithm, signature } = openCertificate(der, code)
  return { ...parseTbsCertificate(tbsDer, code), der, outerSignatureAlgorithm, signature }
}

function openCertificate(der: Uint8Array, code: ErrorCode) {
  const refuse = createDerRefusal(code, 'certificate')
  return openSigned(der, { refuse, whole: 'the certificate', part: 'tbsCertificate' })
}

/** Reads a TBSCertificate strictly. Throws `code` for anything malformed. */
export function parseTbsCertificate(
  tbsDer: Uint8Array,
  code: ErrorCode = 'certificate_mismatch'
): TbsCertificate {
  const outer = new DerReader(tbsDer, createDerRefusal(code, 'TBSCertificate'))
  const tbs = readTbsCertificate(outer)
  outer.assertEnd('tbsCertificate')
  return tbs
}

function readTbsCertificate(container: DerReader): TbsCertificate {
  const element = container.readTagged(tags.sequence, 'tbsCertificate')
  const tbs = container.enter(element)
  const version = readVersion(tbs)
  const serialNumber = tbs.readInteger('the serial number')
  const signatureAlgorithm = parseSignatureAlgorithm(tbs)
  const issuerName = parseName(tbs, 'the issuer')
  const validity = readValidity(tbs)
  const subjectName = parseName(tbs, 'the subject')
  const subjectPublicKeyInfo = parseSubjectPublicKeyInfo(tbs)
  skipUniqueIdentifiers(tbs)
  const extensionsMember = tbs.readOptionalExplicit(3, 'the extensions')
  const extensions = extensionsMember === undefined ? noExtensions : parseExtensions(extensionsMember)
  extensionsMember?.assertEnd('the extensions')
  tbs.assertEnd('tbsCertificate')
  return {
    tbsDer: container.encoding(element),
    version,
    serialNumber,
    signatureAlgorithm,
    issuerName,
    notBefore: validity.notBefore.date,
    notAfter: validity.notAfter.date,
    validity,
    subjectName,
    subject: subjectOf(subjectName),
    subjectPublicKeyInfo,
    extensions
  }
}

function readVersion(tbs: DerReader): number {
  const start = tbs.offset
  const member = tbs.readOptionalExplicit(0, 'the version')
  if (member === undefined) return 0
  const version = member.readSmallInteger('the version')
  member.assertEnd('the version')
  if (version === 0) throw tbs.refuse('the default version v1 must be left out', start)
  return version
}

function readValidity(tbs: DerReader): TbsCertificate['validity'] {
  const validity = tbs.readSequence('the validity')
  const notBefore = parseTime(validity, 'notBefore')
  const notAfter = parseTime(validity, 'notAfter')
  validity.assertEnd('the validity')
  return { notBefore, notAfter }
}

/** issuerUniqueID and subjectUniqueID: RFC 5280 §4.1.2.8 forbids making them and wants them read. */
function skipUniqueIdentifiers(tbs: DerReader): void {
  for (const number of [1, 2]) {
    if (tbs.peekTag() === contextPrimitive(number)) tbs.readElement('a unique identifier')
  }
}

/** Lower-case hex SHA-256 of the certificate: the id that AWS IoT gives it. */
export function certificateIdHex(certificateDer: Uint8Array): string {
  return digestHex('sha256', certificateDer)
}

export interface IssuedCertificate {
  readonly certificateDer: Uint8Array
  /** The bytes that were linted. */
  readonly tbsDer: Uint8Array
  readonly issuerPublicKey: VerificationKey
  readonly signatureAlgorithm: SignatureAlgorithm
}

/**
 * Proves that a fresh certificate holds exactly the linted TBSCertificate, names the intended algorithm on the
 * outside, and carries a signature that holds under the issuer's key (ECDSA: in strict DER).
 *
 * Throws `certificate_mismatch`. It must never leave the process then: the signer is faulty.
 */
export async function verifyIssuedCertificate(issued: IssuedCertificate): Promise<void> {
  const { certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm } = issued
  const opened = openCertificate(certificateDer, 'certificate_mismatch')
  const { tbsDer: signed, signatureAlgorithm: outerSignatureAlgorithm, signature } = opened
  if (!isEqual(signed, tbsDer)) throw mismatch('its TBSCertificate is not the one that was linted')
  if (!isEqual(outerSignatureAlgorithm.der, signatureAlgorithmDer(signatureAlgorithm))) {
    throw mismatch(`it names ${outerSignatureAlgorithm.found} instead of ${signatureAlgorithm}`)
  }
  const isValid = await isSignatureValid({
    algorithm: signatureAlgorithm,
    key: issuerPublicKey,
    signed,
    signature
  })
  if (!isValid) throw mismatch("its signature does not hold under the issuer's public key")
}

function mismatch(reason: string): MintlineError {
  return new MintlineError(
    'certificate_mismatch',
    `The signed certificate is not the intended one: ${reason}.`
  )
}
