import { createPublicKey, X509Certificate } from 'node:crypto'
import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import {
  type AuthorityCertificate,
  parseAuthorityCertificate
} from '../../pki/certificate/authority-certificate.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority-lint.ts'
import { parseCertificate } from '../../pki/certificate/certificate.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { isSignatureValid } from '../../pki/key/signature.ts'

export interface ChainExpectation {
  /** The authority's own key. */
  readonly spkiDer: Uint8Array
  readonly now: Date
  /** Whether its own certificate may have the irregularities of CAs that were made elsewhere. */
  readonly mayBeIrregular: boolean
}

export interface AuthorityChain {
  readonly certificateDer: Uint8Array
  /** The certificates above it, nearest first, up to and including the root. */
  readonly issuersDer: readonly Uint8Array[]
}

const maximumCertificates = 8
const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/**
 * Reads a PEM chain, the authority's own certificate first and the self-signed root last, and verifies it: the first
 * is over the given key and passes the lint, each one is a CA within its validity and its path length, and each is
 * signed by the next.
 *
 * @throws MintlineError `authority_invalid` with every broken rule; pointers are `/chain/<index>` and below.
 */
export async function verifyAuthorityChain(
  chainPem: string,
  { spkiDer, now, mayBeIrregular }: ChainExpectation
): Promise<AuthorityChain> {
  const chain = decodeChain(chainPem).map(parseLink)
  const [own, ...issuers] = chain as [AuthorityCertificate, ...AuthorityCertificate[]]
  const violations = [
    ...keyViolations(own, spkiDer),
    ...lintViolations(own, mayBeIrregular),
    ...chain.flatMap((certificate, index) => standingViolations(certificate, index, now)),
    ...(await signatureViolations(chain))
  ]
  if (violations.length > 0) throw invalid(violations)
  return { certificateDer: own.der, issuersDer: issuers.map(({ der }) => der) }
}

function decodeChain(chainPem: string): readonly Uint8Array[] {
  const texts = chainPem.match(pemCertificate) ?? []
  if (texts.length === 0 || texts.length > maximumCertificates) {
    throw invalid([
      violation(
        '/chain',
        `1 to ${maximumCertificates} certificates in PEM`,
        `${texts.length}`,
        'Send the chain.'
      )
    ])
  }
  return texts.map((text, index) => {
    try {
      return new Uint8Array(new X509Certificate(text).raw)
    } catch {
      throw invalid([violation(`/chain/${index}`, 'a certificate', 'something else', 'Send the file whole.')])
    }
  })
}

function parseLink(der: Uint8Array, index: number): AuthorityCertificate {
  try {
    return parseAuthorityCertificate(der)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    throw invalid([violation(`/chain/${index}`, 'a CA certificate', 'one that cannot issue', error.detail)])
  }
}

function keyViolations({ spkiDer: found }: AuthorityCertificate, spkiDer: Uint8Array): readonly Violation[] {
  if (isEqual(found, spkiDer)) return []
  const message =
    'The first certificate is over another key. Sign the CSR of this authority, and send its own certificate first.'
  return [violation('/chain/0', "the authority's own key", 'another key', message)]
}

function lintViolations({ der }: AuthorityCertificate, mayBeIrregular: boolean): readonly Violation[] {
  const { flaws, irregularities } = examineAuthorityCertificate(der)
  const found = mayBeIrregular ? flaws : [...flaws, ...irregularities]
  return found.map(each => ({ ...each, pointer: `/chain/0${each.pointer}` }))
}

/** RFC 5280 §6.1.3 (a)(2) and §4.2.1.9: the CA at `index` has `index` CAs below it. */
function standingViolations(
  { notBefore, notAfter, pathLength }: AuthorityCertificate,
  index: number,
  now: Date
): readonly Violation[] {
  const violations: Violation[] = []
  const pointer = `/chain/${index}`
  if (now < notBefore || now > notAfter) {
    const found = `${notBefore.toISOString()} to ${notAfter.toISOString()}`
    violations.push(violation(pointer, `a validity that includes ${now.toISOString()}`, found, 'Renew it.'))
  }
  if (pathLength !== undefined && pathLength < index) {
    const message = 'A CA above allows fewer CAs below it than there are. Have it issued anew.'
    violations.push(violation(pointer, `a path length of ${index} or more`, `${pathLength}`, message))
  }
  return violations
}

async function signatureViolations(chain: readonly AuthorityCertificate[]): Promise<readonly Violation[]> {
  const found = await Promise.all(
    chain.map(async (certificate, index) => {
      const issuer = chain[index + 1] ?? (certificate.isSelfSigned ? certificate : undefined)
      const pointer = `/chain/${index}`
      if (issuer === undefined) {
        return violation('/chain', 'a chain up to its self-signed root', 'no root', 'Add what is above.')
      }
      if (await isSignedBy(certificate, issuer)) return undefined
      const message =
        'It is not signed by the next one. Send the chain in order, each issuer after what it signed.'
      return violation(pointer, "the next certificate's signature", 'another issuer', message)
    })
  )
  return found.filter(each => each !== undefined)
}

async function isSignedBy(certificate: AuthorityCertificate, issuer: AuthorityCertificate): Promise<boolean> {
  if (!isEqual(certificate.issuerNameDer, issuer.subjectNameDer)) return false
  const { tbsDer, signature, signatureAlgorithm } = parseCertificate(certificate.der, 'authority_invalid')
  const { algorithm, saltLength } = signatureAlgorithm
  if (algorithm === undefined) return false
  const key = createPublicKey({ key: Buffer.from(issuer.spkiDer), format: 'der', type: 'spki' })
  return isSignatureValid({ algorithm, saltLength, key, signed: tbsDer, signature })
}

function violation(pointer: string, expected: string, found: string, message: string): Violation {
  return { pointer, expected, found, message }
}

function invalid(violations: readonly Violation[]): MintlineError {
  const detail = `The certificate chain breaks ${violations.length} rule(s).`
  return new MintlineError('authority_invalid', detail, { violations })
}
