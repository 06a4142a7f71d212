import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import { assertDerForm, assertSetOfOrder } from '../der/form.ts'
import { createDerRefusal, type DerReader, type DerRefusal } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'
import type { SignatureAlgorithmIdentifier } from '../key/algorithm-identifier.ts'
import { parseSubjectPublicKeyInfo, type PublicKey } from '../key/public-key.ts'
import { openSigned } from '../key/signed.ts'
import { type NameAttribute, nameViolations, parseName, throwSubjectViolations } from '../name/name.ts'
import { type CsrNote } from './note.ts'

export type SubjectAttribute = NameAttribute

/** A PKCS#10 CertificationRequest (RFC 2986 §4). The byte arrays are views into `der`. */
export interface CertificationRequest {
  readonly der: Uint8Array
  /** The CertificationRequestInfo: the bytes that are signed. */
  readonly infoDer: Uint8Array
  /**
   * In the order sent. Types that no certificate can carry have no `field`. Nothing here is judged yet: what a profile
   * drops may be as odd as it likes.
   */
  readonly subject: readonly SubjectAttribute[]
  readonly spkiDer: Uint8Array
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithmIdentifier
  readonly signature: Uint8Array
  /** What was not as it should be and does no harm, since it is ignored. */
  readonly notes: readonly CsrNote[]
}

const refuse = createDerRefusal('csr_malformed', 'CSR')

/**
 * Reads a CSR: strictly where it reaches the certificate or the identity of the device, leniently where it is ignored
 * (docs/csr-rules.md). The attributes (extension requests and the like) must be attributes and are then ignored: the
 * profile alone decides what the certificate says.
 *
 * Throws `csr_malformed` naming the byte for faults of structure.
 */
export function parseCertificationRequest(der: Uint8Array): CertificationRequest {
  const opened = openSigned(der, {
    refuse,
    whole: 'the CSR',
    part: 'certificationRequestInfo',
    // Mbed TLS before 2.28.5 and 3.5.0 writes NULL, in firmware that nobody can change any more.
    nullParameters: 'accept'
  })
  const { tbsDer: infoDer, tbs: info, signatureAlgorithm, signature } = opened
  readVersion(info)
  const subject = parseName(info, 'the subject')
  const { der: spkiDer, key: publicKey } = parseSubjectPublicKeyInfo(info)
  // RFC 2986 wants the attributes even when there are none; some firmware leaves them out, and nothing is lost.
  const attributesFault = info.isAtEnd ? undefined : readAttributes(info)
  info.assertEnd('certificationRequestInfo')

  const notes = [...algorithmNotes(signatureAlgorithm), ...attributesNotes(attributesFault)]
  return {
    der,
    infoDer,
    subject: subject.attributes,
    spkiDer,
    publicKey,
    signatureAlgorithm,
    signature,
    notes
  }
}

function algorithmNotes({ algorithm, hasNullParameters }: SignatureAlgorithmIdentifier): CsrNote[] {
  if (hasNullParameters === undefined) return []
  const message = `The signature algorithm ${algorithm} has NULL parameters, which RFC 5758 §3.2 leaves out.`
  return [{ code: 'null_parameters', pointer: '/signatureAlgorithm', message }]
}

function attributesNotes(fault: string | undefined): CsrNote[] {
  if (fault === undefined) return []
  const message = `The attributes are not as DER wants them, and were ignored: ${fault}.`
  return [{ code: 'attributes_irregular', pointer: '/attributes', message }]
}

/**
 * Throws `subject_refused` with all violations for a subject that no certificate could have as a whole: multi-valued
 * RDNs, repeated types, other string types, unreadable text.
 */
export function assertSubjectReadable({ subject }: CertificationRequest): void {
  throwSubjectViolations(nameViolations(subject))
}

function readVersion(info: DerReader): void {
  const start = info.offset
  const version = info.readSmallInteger('the version')
  if (version === 0) return
  // X.509 counts its own versions, where 2 stands for v3; code made for certificates writes that here.
  const reason = `the version is ${version}, but every PKCS#10 request has 0, for v1 (RFC 2986 §4.1). Some libraries write the number of X.509, 2 for v3: set it to 0 before the CSR is signed`
  throw info.refuse(reason, start)
}

/**
 * Passes over the attributes, and says what DER would not allow of them. That each is a type and a SET is asked for, so
 * that others can read the CSR on record as well; what is in the SETs is not.
 */
function readAttributes(info: DerReader): string | undefined {
  const attributes = info.enter(info.readTagged(contextConstructed(0), 'the attributes'))
  const second = attributes.fork(tell)
  while (!attributes.isAtEnd) {
    const attribute = attributes.readSequence('an attribute')
    attribute.readObjectIdentifier('an attribute type')
    attribute.readTagged(tags.set, 'the attribute values')
    attribute.assertEnd('an attribute')
  }
  try {
    assertAttributesForm(second)
    return undefined
  } catch (error) {
    if (isMintlineError(error)) return error.detail
    throw error
  }
}

const tell: DerRefusal = (reason, offset) =>
  new MintlineError('csr_malformed', `at byte ${offset}, ${reason}`)

function assertAttributesForm(attributes: DerReader): void {
  assertSetOfOrder(attributes)
  while (!attributes.isAtEnd) {
    const attribute = attributes.readSequence('an attribute')
    attribute.readObjectIdentifier('an attribute type')
    const values = attribute.readSet('the attribute values')
    if (values.isAtEnd) throw values.refuse('an attribute has no value', values.offset)
    assertSetOfOrder(values)
    assertDerForm(values)
  }
}
