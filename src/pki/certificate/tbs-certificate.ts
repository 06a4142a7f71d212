import { createDerRefusal, DerReader, type DerRefusal } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import { encodeTime } from '../der/time.ts'
import { encodeElement, encodeExplicit, encodeSequence, encodeUnsignedInteger } from '../der/writer.ts'
import { keyIdentifierOf } from '../key/key-identifier.ts'
import { parseSubjectPublicKeyInfo } from '../key/public-key.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { encodeStatusAddresses, type StatusAddresses } from './addresses/status-addresses.ts'
import {
  encodeAuthorityKeyIdentifier,
  encodeEndEntityConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeOcspNoCheck,
  encodeSubjectKeyIdentifier,
  encodeUriNames,
  type ExtendedKeyUsage,
  type KeyUsage
} from './extension.ts'

/** All that a certificate of a device, a station or an OCSP responder says; nothing comes from the CSR but key and subject values. */
export interface TbsCertificateContent {
  /** Big-endian, at most 20 octets, positive. */
  readonly serialNumber: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly issuerNameDer: Uint8Array
  /** Whole seconds; a fraction is dropped. */
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subjectNameDer: Uint8Array
  readonly spkiDer: Uint8Array
  readonly keyUsage: readonly KeyUsage[]
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[]
  /** The issuer's SubjectKeyIdentifier. */
  readonly authorityKeyIdentifier: Uint8Array
  /** Of the subjectAltName; a certificate without any has none. */
  readonly uris?: readonly string[]
  /** Where its status is to be had; a certificate without any says nothing of that. */
  readonly addresses?: StatusAddresses
  /** Of an OCSP responder alone. */
  readonly hasNoCheck?: boolean
}

const version3 = encodeExplicit(0, encodeElement(tags.integer, Uint8Array.of(2)))
const endEntityConstraints = encodeEndEntityConstraints()
const refuse: DerRefusal = createDerRefusal('internal_error', 'SubjectPublicKeyInfo')

/**
 * The DER of a TBSCertificate (RFC 5280 §4.1): v3, critical CA:FALSE, critical keyUsage, extKeyUsage, subject and
 * authority key identifier, and, where there are names or addresses for them, subjectAltName, CRL distribution point and authority
 * information access. It encodes what it is told; `lintTbsCertificate` judges the result.
 */
export function buildTbsCertificate(content: TbsCertificateContent): Uint8Array {
  const { subjectPublicKey } = parseSubjectPublicKeyInfo(new DerReader(content.spkiDer, refuse))
  const extensions = encodeSequence(
    endEntityConstraints,
    encodeKeyUsage(content.keyUsage),
    encodeExtendedKeyUsage(content.extendedKeyUsage),
    ...(content.uris === undefined ? [] : [encodeUriNames(content.uris)]),
    encodeSubjectKeyIdentifier(keyIdentifierOf(subjectPublicKey)),
    encodeAuthorityKeyIdentifier(content.authorityKeyIdentifier),
    ...encodeStatusAddresses(content.addresses ?? {}),
    ...(content.hasNoCheck === true ? [encodeOcspNoCheck()] : [])
  )
  return encodeSequence(
    version3,
    encodeUnsignedInteger(content.serialNumber),
    signatureAlgorithmDer(content.signatureAlgorithm),
    content.issuerNameDer,
    encodeSequence(encodeTime(content.notBefore), encodeTime(content.notAfter)),
    content.subjectNameDer,
    content.spkiDer,
    encodeExplicit(3, extensions)
  )
}
