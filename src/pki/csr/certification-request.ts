import { assertDerForm, assertSetOfOrder } from '../der/form.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'
import { parseSignatureAlgorithm, type SignatureAlgorithmIdentifier } from '../key/algorithm-identifier.ts'
import { parseSubjectPublicKeyInfo, type PublicKey } from '../key/public-key.ts'
import { type NameAttribute, parseName, throwSubjectViolations } from '../name/name.ts'

export type SubjectAttribute = NameAttribute

/** A PKCS#10 CertificationRequest (RFC 2986 §4). The byte arrays are views into `der`. */
export interface CertificationRequest {
  readonly der: Uint8Array
  /** The CertificationRequestInfo: the bytes that are signed. */
  readonly infoDer: Uint8Array
  /** In the order sent, each type once. Types that no certificate can carry have no `field`; the profile refuses them. */
  readonly subject: readonly SubjectAttribute[]
  readonly spkiDer: Uint8Array
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
}

const refuse = createDerRefusal('csr_malformed', 'CSR')

/**
 * Reads a CSR strictly. The attributes (extension requests and the like) must be well-formed and are then ignored:
 * the profile alone decides what the certificate says.
 *
 * Throws `csr_malformed` naming the byte for faults of structure, and `subject_refused` with all violations for a
 * subject that no profile could accept: multi-valued RDNs, repeated types, other string types, unreadable text.
 */
export function parseCertificationRequest(der: Uint8Array): CertificationRequest {
  const outer = new DerReader(der, refuse)
  const request = outer.readSequence('the CertificationRequest')
  outer.assertEnd('the CSR')
  const infoElement = request.readTagged(tags.sequence, 'certificationRequestInfo')
  const signatureAlgorithm = parseSignatureAlgorithm(request)
  const signature = request.enterBitString('the signature').rest
  request.assertEnd('the CertificationRequest')

  const info = request.enter(infoElement)
  readVersion(info)
  const subject = parseName(info, 'the subject')
  const { der: spkiDer, key: publicKey } = parseSubjectPublicKeyInfo(info)
  // RFC 2986 wants the attributes even when there are none; some firmware leaves them out, and nothing is lost.
  if (!info.isAtEnd) readAttributes(info)
  info.assertEnd('certificationRequestInfo')

  throwSubjectViolations(subject.violations)
  const infoDer = request.encoding(infoElement)
  return { der, infoDer, subject: subject.attributes, spkiDer, publicKey, signatureAlgorithm, signature }
}

function readVersion(info: DerReader): void {
  const start = info.offset
  const version = info.readSmallInteger('the version')
  if (version === 0) return
  // X.509 counts its own versions, where 2 stands for v3; code made for certificates writes that here.
  const reason = `the version is ${version}, but every PKCS#10 request has 0, for v1 (RFC 2986 §4.1). Some libraries write the number of X.509, 2 for v3: set it to 0 before the CSR is signed`
  throw info.refuse(reason, start)
}

function readAttributes(info: DerReader): void {
  const attributes = info.enter(info.readTagged(contextConstructed(0), 'the attributes'))
  assertSetOfOrder(attributes)
  while (!attributes.isAtEnd) {
    const attribute = attributes.readSequence('an attribute')
    attribute.readObjectIdentifier('an attribute type')
    const values = attribute.readSet('the attribute values')
    if (values.isAtEnd) throw values.refuse('an attribute has no value', values.offset)
    assertSetOfOrder(values)
    assertDerForm(values)
    attribute.assertEnd('an attribute')
  }
}
