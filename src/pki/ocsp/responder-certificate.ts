import type { TbsCertificate } from '../certificate/certificate.ts'
import { extensionOids } from '../certificate/extension.ts'
import { holdAgainst } from '../certificate/lint.ts'
import type { LintCheck, LintExpectation } from '../certificate/lint-checks.ts'
import { checksWithExtension } from '../certificate/purpose-checks.ts'
import { buildTbsCertificate, type TbsCertificateContent } from '../certificate/tbs-certificate.ts'
import { isEqual } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { millisecondsPerDay } from '../der/time.ts'
import { buildName, parseName, subjectOf } from '../name/name.ts'

/** All that the certificate of an OCSP responder says. */
export type ResponderCertificateContent = Pick<
  TbsCertificateContent,
  | 'serialNumber'
  | 'signatureAlgorithm'
  | 'issuerNameDer'
  | 'notBefore'
  | 'notAfter'
  | 'spkiDer'
  | 'authorityKeyIdentifier'
>

/** Since nobody can revoke it (RFC 6960 §4.2.2.2.1), it is short. */
const maximumResponderDays = 8

/** The DER of the TBSCertificate: for signing OCSP responses, and nothing else. */
export function buildResponderTbsCertificate(content: ResponderCertificateContent): Uint8Array {
  return buildTbsCertificate({
    ...content,
    subjectNameDer: responderName(content.issuerNameDer),
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['OCSPSigning'],
    hasNoCheck: true
  })
}

/**
 * What the issuer is named by, with another CommonName: a name constraint of the CAs above that the issuer's name is within
 * mostly allows this one.
 */
function responderName(issuerNameDer: Uint8Array): Uint8Array {
  const reader = new DerReader(issuerNameDer, createDerRefusal('key_unusable', 'subject of the authority'))
  return buildName({ ...subjectOf(parseName(reader, 'the subject')), CommonName: 'OCSP responder' })
}

const responderChecks: readonly LintCheck[] = [
  ...checksWithExtension(
    extensionOids.ocspNoCheck,
    'basicConstraints, keyUsage, extKeyUsage, the two key identifiers and id-pkix-ocsp-nocheck alone'
  ),
  {
    name: 'responderAlone',
    source: 'RFC 6960 §4.2.2.2',
    expected: 'digitalSignature and OCSPSigning alone',
    check({ tbs: { extensions } }) {
      const found = [...(extensions.keyUsage ?? []), ...(extensions.extendedKeyUsage ?? [])].join(', ')
      return found === 'digitalSignature, OCSPSigning' ? undefined : found
    }
  },
  {
    name: 'noCheck',
    source: 'RFC 6960 §4.2.2.2.1',
    expected: 'id-pkix-ocsp-nocheck, whose value is NULL',
    check({ tbs: { extensions } }) {
      const value = extensions.all.find(({ oid }) => oid === extensionOids.ocspNoCheck)?.value
      if (value === undefined) return 'none'
      return isEqual(value, nullDer) ? undefined : 'another value'
    }
  },
  {
    name: 'shortLived',
    source: 'RFC 6960 §4.2.2.2.1',
    expected: `at most ${maximumResponderDays} days`,
    check({ tbs: { notBefore, notAfter } }) {
      const days = (notAfter.getTime() - notBefore.getTime()) / millisecondsPerDay
      return days <= maximumResponderDays ? undefined : `${Math.ceil(days)} days`
    }
  },
  {
    name: 'responderNamed',
    source: 'RFC 5280 §4.2.1.10',
    expected: "the issuer's subject with OCSP responder as the CommonName",
    check: ({ tbs, expectation: { issuer } }) =>
      isEqual(tbs.subjectName.der, responderName(issuer.subjectNameDer)) ? undefined : 'another subject'
  }
]

const nullDer = Uint8Array.of(5, 0)

/** As `lintTbsCertificate`, with the rules for an OCSP responder. @throws MintlineError `lint_failed`. */
export function lintResponderCertificate(tbsDer: Uint8Array, expectation: LintExpectation): TbsCertificate {
  return holdAgainst(tbsDer, expectation, responderChecks)
}
