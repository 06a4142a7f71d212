import { MintlineError } from '../../errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../pki/certificate/authority-certificate.ts'
import type { StoredAuthority, StoredGeneration } from '../authority-store.ts'
import type { IntendedContent } from './issue-authority.ts'

/** @throws MintlineError `authority_invalid`. */
export function assertNotExpired({ name, certificateDer }: StoredAuthority, now: Date): void {
  const { notAfter } = parseAuthorityCertificate(certificateDer)
  if (notAfter > now) return
  throw new MintlineError('authority_invalid', `The certificate of ${name} has expired.`, {
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

type Standing = Pick<StoredGeneration, 'id' | 'name' | 'state'>

/** @throws MintlineError `authority_transition_refused`. */
export function assertMayCrossSign(issuer: Standing, subject: Standing): void {
  const refuse = (detail: string) => {
    throw new MintlineError('authority_transition_refused', detail, { members: { state: issuer.state } })
  }
  if (issuer.state !== 'active')
    refuse(`${issuer.name} is ${issuer.state}; only an active generation cross-signs.`)
  if (subject.state === 'compromised')
    refuse(`${subject.name} is compromised and gets no further certificate.`)
  if (issuer.id === subject.id) refuse(`${issuer.name} does not cross-sign itself.`)
}

/**
 * What the cross certificate says: the subject's name, key and key identifier, the validity that both have, and a path
 * length below the issuer's.
 *
 * @throws MintlineError `authority_transition_refused`; `authority_invalid` when either has expired or the issuer may
 * not issue for CAs.
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
  const lengths = [own.pathLength, issuing.pathLength && issuing.pathLength - 1].filter(
    each => each !== undefined
  )
  return {
    subject: own.subjectNameDer,
    issuer: issuing,
    spkiDer: own.spkiDer,
    // What the subject has issued names it by this one, which need not be computed as ours are.
    subjectKeyIdentifier: own.subjectKeyIdentifier,
    notBefore: new Date(Math.max(issuing.notBefore.getTime(), own.notBefore.getTime())),
    notAfter: new Date(Math.min(issuing.notAfter.getTime(), own.notAfter.getTime())),
    pathLength: lengths.length === 0 ? undefined : Math.min(...lengths)
  }
}
