import { X509Certificate } from 'node:crypto'
import type { Violation } from '../../errors/mintline-error.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { isSignatureValid } from '../../pki/key/signature.ts'
import { pathViolations } from '../../pki/path/path-violations.ts'
import { findOtherForm } from '../../pki/pem/other-form.ts'
import { type ChainLink, formViolations, invalid, parseLink } from './chain-link.ts'

export interface ChainExpectation {
  /** The authority's own key. */
  readonly spkiDer: Uint8Array
  readonly now: Date
  /**
   * `request`: a CA above has signed our CSR. `import`: key and chain were made elsewhere and came together; then its own
   * certificate may have the irregularities that such CAs have.
   */
  readonly origin: 'request' | 'import'
}

export interface AuthorityChain {
  readonly certificateDer: Uint8Array
  /** The certificates above it, nearest first, up to and including the root. */
  readonly issuersDer: readonly Uint8Array[]
}

const maximumCertificates = 8
const [begin, end] = ['-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----']

/**
 * Reads a PEM chain, the authority's own certificate first and the self-signed root last, and verifies it: the first
 * is over the given key and passes the lint, each one is a CA with a sound key, within its validity and its path length,
 * names one signature algorithm inside and outside, is signed by the next, and lets device certificates be verified.
 *
 * @throws MintlineError `authority_invalid` with every broken rule; pointers are `/chain/<index>` and below.
 */
export async function verifyAuthorityChain(
  chainPem: string,
  { spkiDer, now, origin }: ChainExpectation
): Promise<AuthorityChain> {
  const chain = decodeChain(chainPem).map(parseLink)
  const [own, ...issuers] = chain as [ChainLink, ...ChainLink[]]
  const violations = [
    ...keyViolations(chain, spkiDer, origin),
    ...lintViolations(own, origin),
    ...chain.flatMap(link => validityViolations(link, now)),
    ...(await linkViolations(chain))
  ]
  if (violations.length > 0) throw invalid(violations)
  return {
    certificateDer: own.certificate.der,
    issuersDer: issuers.map(({ certificate }) => certificate.der)
  }
}

/** As `verifyAuthorityChain`, of what is on record: whatever depends neither on the time nor on where it came from. */
export async function chainViolations(chainDer: readonly Uint8Array[]): Promise<readonly Violation[]> {
  return linkViolations(chainDer.map(parseLink))
}

async function linkViolations(chain: readonly ChainLink[]): Promise<readonly Violation[]> {
  return [
    ...chain.flatMap(formViolations),
    ...chain.flatMap(pathLengthViolations),
    ...pathViolations(chain.map(({ certificate }) => certificate)),
    ...(await signatureViolations(chain))
  ]
}

function decodeChain(chainPem: string): readonly Uint8Array[] {
  const texts = findCertificates(chainPem)
  if (texts.length === 0 || texts.length > maximumCertificates) {
    throw invalid([
      {
        pointer: '/chain',
        expected: `1 to ${maximumCertificates} certificates in PEM`,
        ...(texts.length > maximumCertificates
          ? { found: 'more', message: 'Send the chain.' }
          : nameOther(chainPem))
      }
    ])
  }
  return texts.map((text, index) => {
    try {
      return new Uint8Array(new X509Certificate(text).raw)
    } catch {
      throw invalid([
        {
          pointer: `/chain/${index}`,
          expected: 'a certificate',
          found: 'something else',
          message: 'Send the file whole.'
        }
      ])
    }
  })
}

/** What was sent in the place of PEM, and how it becomes that. */
function nameOther(text: string): Pick<Violation, 'found' | 'message'> {
  const form = findOtherForm(Buffer.from(text, 'latin1'))
  if (form !== undefined) return { found: form.what, message: `It is ${form.what}. ${form.way}` }
  const octets = text.startsWith('\x30')
    ? text
    : Buffer.from(text.trim().slice(0, 64), 'base64').toString('latin1')
  if (/^\x30[\x81-\x83]/.test(octets)) {
    const message = 'Make PEM of it: `openssl x509 -inform DER -in FILE -out FILE.pem`.'
    return { found: 'a certificate in DER', message }
  }
  return { found: '0', message: 'Send the chain.' }
}

/** Each armoured text, and no more than tells that there are too many. One pass: a beginning without an end ends it. */
function findCertificates(chainPem: string): readonly string[] {
  const texts: string[] = []
  let start = chainPem.indexOf(begin)
  while (start >= 0 && texts.length <= maximumCertificates) {
    const stop = chainPem.indexOf(end, start)
    if (stop < 0) break
    texts.push(chainPem.slice(start, stop + end.length))
    start = chainPem.indexOf(begin, stop)
  }
  return texts
}

function keyViolations(
  chain: readonly ChainLink[],
  spkiDer: Uint8Array,
  origin: ChainExpectation['origin']
): readonly Violation[] {
  const holder = chain.find(({ authority }) => isEqual(authority.spkiDer, spkiDer))
  if (holder?.index === 0) return []
  return [
    {
      pointer: '/chain/0',
      expected: "the authority's own key",
      found: 'another key',
      message: keyAdvice(holder, origin)
    }
  ]
}

function keyAdvice(holder: ChainLink | undefined, origin: ChainExpectation['origin']): string {
  if (holder !== undefined) {
    return `The key belongs to certificate ${holder.index + 1} of the chain. Put that one first, and leave out what is below it.`
  }
  return origin === 'import'
    ? 'The private key is not the one of the first certificate. Give the key file that belongs to it: `openssl pkey -in KEY -pubout` and `openssl x509 -in CERTIFICATE -noout -pubkey` print the same then.'
    : 'The first certificate is over another key. Sign the CSR of this authority, and send its own certificate first.'
}

function lintViolations(
  { certificate }: ChainLink,
  origin: ChainExpectation['origin']
): readonly Violation[] {
  const { flaws, irregularities } = examineAuthorityCertificate(certificate.der)
  const found = origin === 'import' ? flaws : [...flaws, ...irregularities]
  return found.map(each => ({ ...each, pointer: `/chain/0${each.pointer}` }))
}

export function standingViolations(link: ChainLink, now: Date): readonly Violation[] {
  return [...validityViolations(link, now), ...pathLengthViolations(link)]
}

/** RFC 5280 §6.1.3 (a)(2). */
function validityViolations(
  { index, authority: { notBefore, notAfter } }: ChainLink,
  now: Date
): readonly Violation[] {
  if (now >= notBefore && now <= notAfter) return []
  const found = `${notBefore.toISOString()} to ${notAfter.toISOString()}`
  const expected = `a validity that includes ${now.toISOString()}`
  return [{ pointer: `/chain/${index}`, expected, found, message: 'Renew it.' }]
}

/** RFC 5280 §4.2.1.9: the CA at `index` has `index` CAs below it. */
function pathLengthViolations({ index, authority: { pathLength } }: ChainLink): readonly Violation[] {
  if (pathLength === undefined || pathLength >= index) return []
  const message = 'A CA above allows fewer CAs below it than there are. Have it issued anew.'
  const expected = `a path length of ${index} or more`
  return [{ pointer: `/chain/${index}`, expected, found: `${pathLength}`, message }]
}

async function signatureViolations(chain: readonly ChainLink[]): Promise<readonly Violation[]> {
  const found = await Promise.all(
    chain.map(async link => {
      const issuer = chain[link.index + 1] ?? (link.authority.isSelfSigned ? link : undefined)
      const pointer = `/chain/${link.index}`
      if (issuer === undefined) {
        return {
          pointer: '/chain',
          expected: 'a chain up to its self-signed root',
          found: 'no root',
          message: 'Add what is above.'
        }
      }
      if (await isSignedBy(link, issuer)) return undefined
      const message =
        'It is not signed by the next one. Send the chain in order, each issuer after what it signed.'
      return { pointer, expected: "the next certificate's signature", found: 'another issuer', message }
    })
  )
  return found.filter(each => each !== undefined)
}

async function isSignedBy({ authority, certificate }: ChainLink, issuer: ChainLink): Promise<boolean> {
  if (!isEqual(authority.issuerNameDer, issuer.authority.subjectNameDer)) return false
  const { tbsDer, signature, signatureAlgorithm } = certificate
  const { algorithm, saltLength } = signatureAlgorithm
  // Told already.
  if (algorithm === undefined || issuer.publicKey === undefined) return true
  return isSignatureValid({ algorithm, saltLength, key: issuer.publicKey, signed: tbsDer, signature })
}
