import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { type Certificate, parseCertificate } from '../../pki/certificate/certificate.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { isSignatureValid } from '../../pki/key/signature.ts'
import { signatureScheme } from '../../pki/key/signature-algorithm.ts'
import type { VerificationKey } from '../../pki/key/verification-key.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { authorityFault, clientFault } from './authority-fault.ts'
import type { ClientTrust } from './client-trust.ts'
import { deviceAuthorityOf } from './own-authorities.ts'
import {
  describeCertificate,
  nameKeyOf,
  type TrustAnchor,
  verificationKeyOf,
  withoutStop
} from './trust-anchor.ts'

/** A certificate as its client showed it: DER, its own first, then those of CAs above it, in any order. */
export type PresentedChain = readonly [Uint8Array, ...Uint8Array[]]

/** A path whose signatures hold, from the certificate of the client to a CA of the file. */
export interface VerifiedPath {
  readonly leaf: Certificate
  /** Those that the client showed, from the one that issued for it upwards; often none. */
  readonly intermediates: readonly Certificate[]
  readonly anchor: TrustAnchor
}

/** Of CAs between the client's certificate and one of the file. */
const maximumIntermediates = 4
/** CAs of one name that vouch for each other make more; nobody is to pay for them in signatures. */
const maximumPaths = 16
const maximumCertificateBytes = 16_384

/**
 * Verifies a client's certificate as RFC 5280 §6.1 has it, without policies and name constraints: a CA that has those is
 * refused. Times are not looked at; `assertStanding` does, with every request.
 *
 * @throws MintlineError `client_certificate_refused`.
 */
export async function verifyClientCertificate(
  trust: ClientTrust,
  presented: PresentedChain
): Promise<VerifiedPath> {
  if (
    presented.length > maximumIntermediates + 1 ||
    presented.some(der => der.length > maximumCertificateBytes)
  )
    throw refused({
      pointer: '/clientCertificate',
      expected: `at most ${maximumIntermediates} CA certificates besides, none above ${maximumCertificateBytes} octets`,
      found: 'more',
      message: 'Show the certificate with those CAs alone that are between it and the root.'
    })
  const [leaf, ...above] = presented.map(parseShown) as [Certificate, ...Certificate[]]
  const fault = clientFault(leaf)
  if (fault !== undefined)
    throw refused({
      pointer: '/clientCertificate/extensions',
      expected: 'a certificate for a TLS client (clientAuth, digitalSignature)',
      found: `${describeCertificate(leaf)}, ${fault}`,
      message: 'Have one issued for a client.'
    })
  let firstFault: MintlineError | undefined
  for (const path of pathsOf(leaf, above, trust)) {
    try {
      await assertPath(path, trust)
      return path
    } catch (error) {
      if (!isMintlineError(error, 'client_certificate_refused')) throw error
      firstFault ??= error
    }
  }
  throw firstFault ?? notTrusted(leaf, describeName(leaf.issuerName))
}

function parseShown(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der, 'certificate_malformed')
  } catch (cause) {
    if (!isMintlineError(cause)) throw cause
    throw refused({
      pointer: '/clientCertificate',
      expected: 'X.509 certificates in DER',
      found: `one that cannot be read: ${withoutStop(cause.detail)}`,
      message: 'Have it issued anew.'
    })
  }
}

/** By names alone, the shortest first, so that no key is used before somebody who is trusted vouches for it. */
function pathsOf(leaf: Certificate, above: readonly Certificate[], trust: ClientTrust): VerifiedPath[] {
  const found: VerifiedPath[] = []
  const extend = (intermediates: readonly Certificate[]) => {
    if (found.length >= maximumPaths) return
    const issuer = nameKeyOf((intermediates.at(-1) ?? leaf).issuerName)
    for (const anchor of trust.anchors) {
      if (nameKeyOf(anchor.certificate.subjectName) === issuer) found.push({ leaf, intermediates, anchor })
    }
    for (const next of above) {
      const isThere = intermediates.some(({ der }) => isEqual(der, next.der))
      if (!isThere && nameKeyOf(next.subjectName) === issuer) extend([...intermediates, next])
    }
  }
  extend([])
  return found.slice(0, maximumPaths).toSorted((a, b) => a.intermediates.length - b.intermediates.length)
}

/** From the trusted CA downwards. */
async function assertPath({ leaf, intermediates, anchor }: VerifiedPath, trust: ClientTrust): Promise<void> {
  const certificates = [leaf, ...intermediates]
  assertNoDeviceAuthority([anchor.certificate, ...intermediates], leaf, trust)
  let [issuer, key]: [Certificate, VerificationKey] = [anchor.certificate, anchor.key]
  for (let index = certificates.length - 1; index >= 0; index--) {
    const certificate = certificates[index]!
    const pathLength = issuer.extensions.basicConstraints?.pathLength
    if (pathLength !== undefined && index > pathLength)
      throw notTrusted(leaf, describeName(issuer.subjectName))
    if (!(await isSignedBy(certificate, key))) throw notTrusted(leaf, describeName(issuer.subjectName))
    assertNotRevoked(certificate, issuer, trust)
    if (index === 0) return
    const fault = authorityFault(certificate)
    if (fault !== undefined)
      throw refused({
        pointer: '/clientCertificate/issuer',
        expected: 'CAs above it that may issue for clients',
        found: `${describeCertificate(certificate)}, ${fault}`,
        message: 'Have the CA certified anew, or name it itself in MINTLINE_TLS_CLIENT_CA_FILE.'
      })
    issuer = certificate
    key = await keyOf(certificate)
  }
}

/** A line that signs devices would let every device in as a client; so would what is above it, by way of it. */
function assertNoDeviceAuthority(above: readonly Certificate[], leaf: Certificate, trust: ClientTrust): void {
  for (const certificate of above) {
    const name = deviceAuthorityOf(certificate, trust)
    if (name === undefined) continue
    throw refused({
      pointer: '/clientCertificate/issuer',
      expected: 'a CA that signs for no device',
      found: `${describeCertificate(leaf)}, of the device authority ${name}`,
      message: 'Have the certificate issued by a CA for stations: devices have certificates of this one.'
    })
  }
}

async function keyOf(certificate: Certificate): Promise<VerificationKey> {
  try {
    return await verificationKeyOf(certificate)
  } catch (cause) {
    if (!isMintlineError(cause)) throw cause
    throw refused({
      pointer: '/clientCertificate/issuer',
      expected: 'CAs with keys RSA 2048 to 4096 or EC P-256, P-384, P-521',
      found: `${describeCertificate(certificate)}: ${withoutStop(cause.detail)}`,
      message: 'Have the CA certified with such a key.'
    })
  }
}

async function isSignedBy(
  { tbsDer, signatureAlgorithm, outerSignatureAlgorithm, signature }: Certificate,
  key: VerificationKey
): Promise<boolean> {
  const { algorithm, saltLength, der } = outerSignatureAlgorithm
  if (algorithm === undefined || !isEqual(der, signatureAlgorithm.der)) return false
  if (key.asymmetricKeyType !== signatureScheme(algorithm).keyType) return false
  return isSignatureValid({ algorithm, saltLength, key, signed: tbsDer, signature })
}

function assertNotRevoked(certificate: Certificate, issuer: Certificate, trust: ClientTrust): void {
  if (!trust.isRevocationRequired) return
  const anchor = trust.anchors.find(each => each.certificate === issuer)
  if (anchor?.origin === 'station-line') return
  const list = anchor?.revocationList
  const name = describeName(issuer.subjectName)
  if (list === undefined)
    throw refused({
      pointer: '/clientCertificate/issuer',
      expected: 'a CA whose CRL is in MINTLINE_TLS_CLIENT_CRL_FILE',
      found: `${name}, of which there is none`,
      message:
        'Whether the certificate is revoked cannot be known. The administrator puts the CRL of that CA into MINTLINE_TLS_CLIENT_CRL_FILE, and its certificate into MINTLINE_TLS_CLIENT_CA_FILE.'
    })
  if (!list.revoked.has(toHex(certificate.serialNumber))) return
  throw refused({
    pointer: '/clientCertificate/serialNumber',
    expected: `a certificate that ${name} has not revoked`,
    found: `${describeCertificate(certificate)}, which is in its CRL of ${list.thisUpdate.toISOString()}`,
    message: 'Have a new certificate issued for a new key.'
  })
}

/**
 * Whether a verified path stands at this time. Cheap, for every request.
 *
 * @throws MintlineError `client_certificate_refused`.
 */
export function assertStanding({ leaf, intermediates, anchor }: VerifiedPath, now: Date): void {
  for (const certificate of [leaf, ...intermediates, anchor.certificate]) {
    const isLeaf = certificate === leaf
    if (now > certificate.notAfter)
      throw refused({
        pointer: isLeaf ? '/clientCertificate/notAfter' : '/clientCertificate/issuer',
        expected: `a certificate that is valid at ${now.toISOString()}`,
        found: `${describeCertificate(certificate)}, which ended ${certificate.notAfter.toISOString()}`,
        message: 'Have a new certificate issued.'
      })
    if (now < certificate.notBefore)
      throw refused({
        pointer: isLeaf ? '/clientCertificate/notBefore' : '/clientCertificate/issuer',
        expected: `a certificate that is valid at ${now.toISOString()}`,
        found: `${describeCertificate(certificate)}, which begins ${certificate.notBefore.toISOString()}`,
        message: 'Use it from then on. Where that is now, compare the clocks of the CA and of the service.'
      })
  }
  const fault = listFault(anchor, now)
  if (fault !== undefined) throw refused(fault)
}

/** Why a CRL says nothing of this moment. One of which the clock here says that it is yet to come tells what it knows. */
function listFault({ revocationList: list, certificate }: TrustAnchor, now: Date): Violation | undefined {
  if (list === undefined || now <= list.nextUpdate) return undefined
  return {
    pointer: '/clientCertificate/issuer',
    expected: `a CRL of ${describeName(certificate.subjectName)} that holds at ${now.toISOString()}`,
    found: `one that ended ${list.nextUpdate.toISOString()}`,
    message:
      'Whether the certificate is revoked cannot be known. The administrator puts the new CRL where MINTLINE_TLS_CLIENT_CRL_FILE names it; the service takes it up.'
  }
}

/** What is to be said of the files at this time, each in a sentence: CAs and CRLs that are over, CAs without a CRL. */
export function findTrustFaults(trust: ClientTrust, now: Date): readonly string[] {
  const faults: string[] = []
  for (const anchor of trust.anchors) {
    const name = describeName(anchor.certificate.subjectName)
    if (now > anchor.certificate.notAfter)
      faults.push(`the client CA ${name} ended ${anchor.certificate.notAfter.toISOString()}`)
    if (trust.isRevocationRequired && anchor.revocationList === undefined)
      faults.push(`there is no CRL of the client CA ${name}: its certificates are refused`)
    const fault = listFault(anchor, now)
    if (fault !== undefined)
      faults.push(`the CRL of the client CA ${name} is ${fault.found}: its certificates are refused`)
  }
  return faults
}

function notTrusted(leaf: Certificate, issuer: string): MintlineError {
  return refused({
    pointer: '/clientCertificate/issuer',
    expected:
      'a CA of MINTLINE_TLS_CLIENT_CA_FILE, or one below it that the client shows with its certificate, or an authority line for stations',
    found: `${describeCertificate(leaf)}, of ${issuer}, whose signature does not lead to one`,
    message:
      'Have the certificate issued by a CA for stations. Where it is, the client shows the CAs between as well, or the administrator adds the CA to the file.'
  })
}

/** What all refusals of a client's certificate have in common. */
export function refused(violation: Violation): MintlineError {
  return new MintlineError(
    'client_certificate_refused',
    `The client certificate is refused: ${violation.found}. ${violation.message}`,
    { violations: [violation] }
  )
}
