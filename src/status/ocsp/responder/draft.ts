import type { Authority } from '../../../authorities/authority.ts'
import { createSerialNumber } from '../../../pki/certificate/serial-number.ts'
import { authoritySignatureAlgorithm, type SignatureAlgorithm } from '../../../pki/key/signature-algorithm.ts'
import { throwSubjectViolations } from '../../../pki/name/name.ts'
import {
  buildResponderTbsCertificate,
  lintResponderCertificate
} from '../../../pki/ocsp/responder-certificate.ts'
import { subjectOutsideViolations } from '../../../pki/path/constrained-subject.ts'
import { judge } from '../../../signing/judgement.ts'
import { newId } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { ResponderIntent } from './certificate.ts'

/** Whom a responder speaks for, and its key. */
export interface ResponderRules {
  readonly authority: Authority
  readonly spkiDer: Uint8Array
}

/** How long a responder speaks by one certificate; another one follows after half of it. */
const responderDays = 4
const dayMs = 86_400_000
/** Clocks of those who ask may be behind. */
const backdateMs = 3_600_000

/**
 * The serial number and the bytes that are to be signed, judged. Nothing is kept and no key is used.
 *
 * @throws MintlineError `subject_refused` where a CA above allows no such name; `lint_failed`.
 */
export function draftResponder(rules: ResponderRules, now: Date, randomBytes: RandomBytes): ResponderIntent {
  const { id: authorityId, certificate, path } = rules.authority
  const serialNumber = createSerialNumber(randomBytes(16))
  const tbsDer = buildResponderTbsCertificate({
    serialNumber,
    signatureAlgorithm: algorithmOf(rules),
    issuerNameDer: certificate.subjectNameDer,
    notBefore: new Date(Math.max(now.getTime() - backdateMs, certificate.notBefore.getTime())),
    notAfter: new Date(Math.min(now.getTime() + responderDays * dayMs, path.notAfter.getTime())),
    spkiDer: rules.spkiDer,
    authorityKeyIdentifier: certificate.subjectKeyIdentifier
  })
  judge(tbsDer, der => judgeResponder(der, rules))
  return { id: newId(now, randomBytes), createdAt: now, authorityId, serialNumber, tbsDer }
}

/** @throws MintlineError `subject_refused`, `lint_failed`. */
export function judgeResponder(tbsDer: Uint8Array, rules: ResponderRules): void {
  const { certificate: issuer, path } = rules.authority
  const { subjectName } = lintResponderCertificate(tbsDer, {
    issuer,
    chainEnd: path.notAfter,
    signatureAlgorithm: algorithmOf(rules),
    spkiDer: rules.spkiDer
  })
  throwSubjectViolations(subjectOutsideViolations(subjectName, path.constrained))
}

function algorithmOf({ authority }: ResponderRules): SignatureAlgorithm {
  return authoritySignatureAlgorithm(authority.certificate.spkiDer)
}
