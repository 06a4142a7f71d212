import { MintlineError } from '../../errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../pki/certificate/authority/certificate.ts'
import { noExtensions, parseCertificate } from '../../pki/certificate/certificate.ts'
import { holderOfEnd, parseIssuingPath } from '../../pki/path/issuing-path.ts'
import { pathViolations } from '../../pki/path/path-violations.ts'
import type { StoredAuthority, StoredGeneration } from '../authority-store.ts'
import { standingViolations } from '../generations/certificate-chain.ts'
import { type ChainLink, invalid, parseLink } from '../generations/chain-link.ts'
import type { IntendedContent } from './issue-authority.ts'

/** @throws MintlineError `authority_invalid`. */
function assertNotExpired({ name, certificateDer }: StoredAuthority, now: Date): void {
  const { notAfter } = parseAuthorityCertificate(certificateDer)
  if (notAfter <= now) throw expired(name, notAfter, now)
}

/** Whether it could issue now, by its own certificate and those above it. @throws MintlineError `authority_invalid`. */
export function assertPathNotExpired(authority: StoredAuthority, now: Date): void {
  const path = parseIssuingPath([authority.certificateDer, ...authority.issuersDer])
  if (path.notAfter <= now) throw expired(holderOfEnd(authority.name, path), path.notAfter, now)
}

function expired(holder: string, notAfter: Date, now: Date): MintlineError {
  return new MintlineError('authority_invalid', `The certificate of ${holder} has expired.`, {
    violations: [
      {
        pointer: '/certificate/notAfter',
        expected: `later than ${now.toISOString()}`,
        found: notAfter.toISOString(),
        message: 'Make another generation.'
      }
    ]
  })
}

type Standing = Pick<StoredGeneration, 'id' | 'name' | 'state' | 'purpose'>

/** @throws MintlineError `authority_transition_refused`. */
export function assertMayCrossSign(issuer: Standing, subject: Standing): void {
  const refuse = (detail: string) => {
    throw new MintlineError('authority_transition_refused', detail, { members: { state: issuer.state } })
  }
  if (issuer.state !== 'active')
    refuse(
      `${issuer.name} is ${issuer.state}; only an active generation cross-signs. Ask the active one of a line, or have the CA above ${subject.name} certify it.`
    )
  if (subject.state === 'compromised')
    refuse(
      `${subject.name} is compromised and gets no further certificate. Make another generation, and cross-sign that one.`
    )
  if (issuer.purpose !== subject.purpose)
    refuse(
      `${issuer.name} signs for ${issuer.purpose} and ${subject.name} for ${subject.purpose}: a cross certificate would have the one taken for the other.`
    )
  if (issuer.id === subject.id) refuse(`${issuer.name} does not cross-sign itself. Name another generation.`)
}

/**
 * What the cross certificate says: the subject's name, key and key identifier, the validity that both and the CAs above
 * have, and a path length below theirs.
 *
 * @throws MintlineError `authority_transition_refused`; `authority_invalid` when either has expired, the issuer may
 * not issue for CAs, or no device certificate could be verified by the cross certificate.
 */
export function crossContent(issuer: StoredAuthority, subject: StoredAuthority, now: Date): IntendedContent {
  assertMayCrossSign(issuer, subject)
  assertNotExpired(issuer, now)
  assertNotExpired(subject, now)
  const issuing = parseAuthorityCertificate(issuer.certificateDer)
  const own = parseAuthorityCertificate(subject.certificateDer)
  if (issuing.pathLength === 0) {
    throw new MintlineError(
      'authority_invalid',
      `The path length of ${issuer.name} is 0: it may not issue for CAs.`,
      {
        violations: [
          {
            pointer: '/certificate/pathLength',
            expected: '1 or more, or none',
            found: '0',
            message: 'Have the CA above sign instead.'
          }
        ]
      }
    )
  }
  const above = [issuer.certificateDer, ...issuer.issuersDer].map((der, index) => parseLink(der, index + 1))
  assertVerifiable(subject, above, now)
  const lengths = [
    own.pathLength,
    ...above.map(({ authority, index }) => less(authority.pathLength, index))
  ].filter(each => each !== undefined)
  const validities = [own, ...above.map(({ authority }) => authority)]
  return {
    subject: own.subjectNameDer,
    issuer: issuing,
    spkiDer: own.spkiDer,
    // What the subject has issued names it by this one, which need not be computed as ours are.
    subjectKeyIdentifier: own.subjectKeyIdentifier,
    notBefore: new Date(Math.max(...validities.map(({ notBefore }) => notBefore.getTime()))),
    notAfter: new Date(Math.min(...validities.map(({ notAfter }) => notAfter.getTime()))),
    pathLength: lengths.length === 0 ? undefined : Math.min(...lengths)
  }
}

function less(pathLength: number | undefined, count: number): number | undefined {
  return pathLength === undefined ? undefined : pathLength - count
}

/** As an uploaded chain is judged, before there is a cross certificate: it stands at the place 0, and says nothing of its own. */
function assertVerifiable(subject: StoredAuthority, above: readonly ChainLink[], now: Date): void {
  const { subjectName } = parseCertificate(subject.certificateDer, 'key_unusable')
  const certificates = above.map(({ certificate }) => certificate)
  const cross = { subjectName, issuerName: certificates[0]!.subjectName, extensions: noExtensions }
  const violations = [
    ...above.flatMap(link => standingViolations(link, now)),
    ...pathViolations([cross, ...certificates])
  ]
  if (violations.length > 0) throw invalid(violations)
}
