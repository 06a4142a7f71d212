import type { IssuingAuthority } from '../authorities/authority.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { createSerialNumber } from '../pki/certificate/serial-number.ts'
import { buildStationTbsCertificate, lintStationCertificate } from '../pki/certificate/station-certificate.ts'
import type { CertificationRequest } from '../pki/csr/certification-request.ts'
import { isEqual } from '../pki/der/octets.ts'
import { millisecondsPerDay } from '../pki/der/time.ts'
import { throwSubjectViolations } from '../pki/name/name.ts'
import { subjectOutsideViolations } from '../pki/path/constrained-subject.ts'
import { describeEnd } from '../pki/path/issuing-path.ts'
import { judge } from '../signing/judgement.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { StationProfileVersion } from './profile/document.ts'
import type { StationCertificateIntent } from './station-certificate.ts'

/** What a certificate follows from, besides its serial number and the time. */
export interface DraftRules {
  /** Name of the station. */
  readonly station: string
  readonly csr: Pick<CertificationRequest, 'spkiDer'>
  readonly profile: StationProfileVersion
  readonly authority: IssuingAuthority
}

/** One that ends sooner, since its CA does, is not worth having. */
const leastDays = 1

/**
 * The serial number and the bytes that are to be signed, judged. Nothing is kept and no key is used.
 *
 * @throws MintlineError `authority_expires_first`, `subject_refused`, `lint_failed`.
 */
export function draftStationCertificate(
  rules: DraftRules,
  now: Date,
  randomBytes: RandomBytes
): Pick<StationCertificateIntent, 'serialNumber' | 'tbsDer'> {
  const serialNumber = createSerialNumber(randomBytes(16))
  const tbsDer = tbsOf(rules, serialNumber, now)
  judge(tbsDer, der => lint(der, rules))
  return { serialNumber, tbsDer }
}

type ReadBack = Pick<StationCertificateIntent, 'serialNumber' | 'createdAt' | 'tbsDer'>

/**
 * Whether an intent that was read back from the database says what it would be drafted as by these rules, byte for byte.
 * Whoever can write to the database could otherwise have any certificate signed by a retry.
 */
export function followsFrom({ serialNumber, createdAt, tbsDer }: ReadBack, rules: DraftRules): boolean {
  return isEqual(tbsOf(rules, serialNumber, createdAt), tbsDer)
}

/** The rules for what comes back from the database. @throws MintlineError `lint_failed`, `record_damaged`. */
export function judgeReadBack(intent: ReadBack, rules: DraftRules): void {
  lint(intent.tbsDer, rules)
  if (followsFrom(intent, rules)) return
  throw new MintlineError(
    'record_damaged',
    'The record of this request was changed in the database and is not signed. Make a new key pair at the station, and send a CSR for that; tell the administrator.'
  )
}

function lint(tbsDer: Uint8Array, { station, csr, authority }: DraftRules): void {
  const { subjectName } = lintStationCertificate(tbsDer, {
    station,
    issuer: authority.certificate,
    chainEnd: authority.path.notAfter,
    signatureAlgorithm: authority.signer.signatureAlgorithm,
    spkiDer: csr.spkiDer
  })
  throwSubjectViolations(subjectOutsideViolations(subjectName, authority.path.constrained))
}

function tbsOf({ station, csr, profile, authority }: DraftRules, serialNumber: Uint8Array, now: Date) {
  return buildStationTbsCertificate({
    station,
    serialNumber,
    signatureAlgorithm: authority.signer.signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    ...validityOf(profile, authority, now),
    spkiDer: csr.spkiDer,
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier
  })
}

/** Shortened to the end of the CA: a station that comes the day before it still gets in the day after the rotation. */
function validityOf(
  { document: { days, backdateMinutes } }: StationProfileVersion,
  { certificate: issuer, path, name }: IssuingAuthority,
  now: Date
): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now.getTime() / 1_000) * 1_000
  const notBefore = new Date(Math.max(second - backdateMinutes * 60_000, issuer.notBefore.getTime()))
  const end = Math.min(second + days * millisecondsPerDay, path.notAfter.getTime())
  if (end >= second + leastDays * millisecondsPerDay) return { notBefore, notAfter: new Date(end) }
  throw new MintlineError(
    'authority_expires_first',
    `A station's certificate is to last for ${leastDays} day or more, but ${describeEnd(name, path)}. The administrator activates a new generation.`
  )
}
