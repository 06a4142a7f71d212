import type { KeyObject } from 'node:crypto'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../../pki/certificate/authority/certificate.ts'
import {
  assertSubjectReadable,
  type CertificationRequest,
  parseCertificationRequest
} from '../../pki/csr/certification-request.ts'
import { verifyProofOfPossession } from '../../pki/csr/proof-of-possession.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { assertKeyAllowed } from '../../pki/key/public-key.ts'
import { buildName, subjectOf, throwSubjectViolations } from '../../pki/name/name.ts'
import { encodeChainPem } from '../../pki/pem/pem.ts'
import { createLocalSigner } from '../../signing/signers/local/local-signer.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { issueAuthority } from '../certificates/issue-authority.ts'
import { verifyAuthorityChain } from '../generations/certificate-chain.ts'
import { authorityKeyPolicy } from '../generations/import-key.ts'

export interface IntermediateRequest {
  readonly rootKey: KeyObject
  readonly rootCertificateDer: Uint8Array
  readonly csrDer: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  /** How many CAs may stand below the new one. */
  readonly pathLength: number
  readonly randomBytes: RandomBytes
}

/**
 * Signs the CSR of an issuing authority: CA:TRUE with a path length, keyCertSign and cRLSign. Of the CSR come key and
 * subject alone. The certificate is linted and verified up to the root before it is given back.
 *
 * @throws MintlineError `csr_malformed`, `csr_signature_algorithm_refused`, `csr_signature_invalid`, `key_refused`,
 *   `subject_refused` for the CSR; `key_unusable` for a key that is not the root's or a certificate that is no CA's;
 *   `authority_expires_first` when the root ends before the new certificate would; `authority_invalid`, with
 *   violations, for what the root does not allow.
 */
export async function signIntermediate(request: IntermediateRequest): Promise<Uint8Array> {
  const { rootKey, rootCertificateDer, csrDer, notBefore, notAfter, pathLength, randomBytes } = request
  const root = parseAuthorityCertificate(rootCertificateDer)
  const signer = createLocalSigner(rootKey)
  assertKeyOf(root, signer)
  const csr = parseCertificationRequest(csrDer)
  await verifyProofOfPossession(csr)
  assertKeyAllowed(csr.publicKey, authorityKeyPolicy)
  const subjectNameDer = subjectNameOf(csr)
  assertAllowedByRoot(root, { subjectNameDer, spkiDer: csr.spkiDer, notBefore, notAfter, pathLength })
  const certificateDer = await issueAuthority(
    signer,
    { subject: subjectNameDer, issuer: root, notBefore, notAfter, pathLength, spkiDer: csr.spkiDer },
    randomBytes
  )
  const chainPem = encodeChainPem([certificateDer, rootCertificateDer])
  await verifyAuthorityChain(chainPem, { spkiDer: csr.spkiDer, now: notBefore, origin: 'request' })
  return certificateDer
}

function assertKeyOf(root: AuthorityCertificate, { publicKeySpkiDer }: Signer): void {
  if (isEqual(root.spkiDer, publicKeySpkiDer)) return
  throw new MintlineError('key_unusable', 'The root key does not belong to the root certificate.')
}

/** Written anew with the string types of RFC 5280; types that no certificate of ours carries are refused. */
function subjectNameOf(csr: CertificationRequest): Uint8Array {
  assertSubjectReadable(csr)
  const { subject } = csr
  const violations = subject
    .filter(({ field }) => field === undefined)
    .map(({ name }) => ({
      pointer: `/subject/${name}`,
      expected: 'subject fields of the closed list alone',
      found: name,
      message: `A CA of ours has no ${name}. Make the CSR without it.`
    }))
  throwSubjectViolations(violations)
  return buildName(subjectOf({ attributes: subject }))
}

interface Wish {
  readonly subjectNameDer: Uint8Array
  readonly spkiDer: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly pathLength: number
}

function assertAllowedByRoot(root: AuthorityCertificate, wish: Wish): void {
  const violations = [...rootViolations(root, wish), ...pathLengthViolations(root, wish)]
  if (violations.length > 0) {
    const detail = `The root cannot sign this: ${violations.map(({ message }) => message).join(' ')}`
    throw new MintlineError('authority_invalid', detail, { violations })
  }
  if (wish.notAfter > root.notAfter) {
    throw new MintlineError(
      'authority_expires_first',
      `The root ends at ${root.notAfter.toISOString()}, before ${wish.notAfter.toISOString()}. Ask for fewer days.`
    )
  }
}

function rootViolations(root: AuthorityCertificate, wish: Wish): readonly Violation[] {
  const violations: Violation[] = []
  const add = (violation: Violation) => void violations.push(violation)
  if (!root.isSelfSigned) {
    add({
      pointer: '/root',
      expected: 'a self-signed certificate',
      found: 'one that another CA signed',
      message: 'Use the certificate of the root.'
    })
  }
  if (wish.notBefore < root.notBefore) {
    const found = wish.notBefore.toISOString()
    const message = 'The root is not valid yet. Check the clock of this machine.'
    add({
      pointer: '/validity/notBefore',
      expected: `${root.notBefore.toISOString()} or later`,
      found,
      message
    })
  }
  if (isEqual(wish.subjectNameDer, root.subjectNameDer)) {
    add({
      pointer: '/subject',
      expected: "another subject than the root's",
      found: 'the same',
      message: 'Give the authority a name of its own.'
    })
  }
  if (isEqual(wish.spkiDer, root.spkiDer)) {
    add({
      pointer: '/publicKey',
      expected: "another key than the root's",
      found: 'the same',
      message: 'Make a key of its own for the authority.'
    })
  }
  return violations
}

/** RFC 5280 §4.2.1.9. */
function pathLengthViolations(
  { pathLength: limit }: AuthorityCertificate,
  { pathLength }: Wish
): Violation[] {
  if (limit === undefined || pathLength < limit) return []
  const [expected, message] =
    limit === 0
      ? ['a root that allows CAs below it', 'The path length of this root is 0: it can sign devices alone.']
      : [`${limit - 1} or less`, 'The path length must be below that of the root.']
  return [{ pointer: '/pathLength', expected, found: String(pathLength), message }]
}
