import { hash } from 'node:crypto'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import { certificateIdHex, parseCertificate } from '../../pki/certificate/certificate.ts'
import { parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { daysUntil } from '../../pki/der/time.ts'
import { subjectOf } from '../../pki/name/name.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import type { SignerReference } from '../../signing/signers/signer-reference.ts'
import type { StoredAuthority, StoredGeneration } from '../authority-store.ts'
import type { IntentCount } from '../life-cycle/intent-count.ts'
import type { AuthorityState } from '../life-cycle/life-cycle.ts'
import type { AuthorityPurpose } from '../purpose.ts'

/** One generation as administrators and auditors see it. */
export interface GenerationView {
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly state: AuthorityState
  readonly purpose: AuthorityPurpose
  readonly subject: Subject
  /** Where the key is. */
  readonly key: SignerReference
  /** Undefined while it waits for its certificate. */
  readonly certificate: CertificateFacts | undefined
  /** Intents that name it: certificates, and those of unknown outcome. */
  readonly issuances: IntentCount
  readonly createdAt: Date
}

interface CertificateFacts {
  /** Lower-case hex SHA-256 of its DER. */
  readonly sha256: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whole days until notAfter, rounded down; negative once it is past. */
  readonly daysLeft: number
  /** What it lacks although it can issue. */
  readonly irregularities: readonly Violation[]
}

export function describeGeneration(
  stored: StoredGeneration,
  issuances: IntentCount,
  now: Date
): GenerationView {
  const { name, line, generation, state, purpose, signer, certificateDer, createdAt } = stored
  return {
    name,
    line,
    generation,
    state,
    purpose,
    subject: subjectOfGeneration(stored),
    key: signer,
    certificate: certificateDer === null ? undefined : describeCertificate(certificateDer, now),
    issuances,
    createdAt
  }
}

function describeCertificate(certificateDer: Uint8Array, now: Date): CertificateFacts {
  const { notBefore, notAfter } = parseCertificate(certificateDer, 'key_unusable')
  const daysLeft = Math.floor(daysUntil(notAfter, now))
  const { irregularities } = examineAuthorityCertificate(certificateDer)
  return { sha256: certificateIdHex(certificateDer), notBefore, notAfter, daysLeft, irregularities }
}

export function subjectOfGeneration({
  certificateDer,
  csrDer
}: Pick<StoredGeneration, 'certificateDer' | 'csrDer'>): Subject {
  if (certificateDer !== null) return parseCertificate(certificateDer, 'key_unusable').subject
  return csrDer === null ? {} : subjectOf({ attributes: parseCertificationRequest(csrDer).subject })
}

/** The SubjectPublicKeyInfo that a generation has or asks a certificate for. */
export function spkiOf({ certificateDer, csrDer }: StoredGeneration): Uint8Array | undefined {
  if (certificateDer !== null)
    return parseCertificate(certificateDer, 'key_unusable').subjectPublicKeyInfo.der
  return csrDer === null ? undefined : parseCertificationRequest(csrDer).spkiDer
}

/** @throws MintlineError `authority_not_found`. */
export function requireGeneration<Generation extends { readonly name: string }>(
  generations: readonly Generation[],
  name: string
): Generation {
  const found = generations.find(generation => generation.name === name)
  if (found !== undefined) return found
  throw new MintlineError('authority_not_found', `There is no authority ${name}.`)
}

/** @throws MintlineError `authority_transition_refused` while its certificate is still to come. */
export function requireCertified(stored: StoredGeneration): StoredAuthority {
  const { certificateDer } = stored
  if (certificateDer !== null) return { ...stored, certificateDer }
  throw new MintlineError(
    'authority_transition_refused',
    `${stored.name} is ${stored.state} and has no certificate yet. Give it one: POST /v1/authorities/${stored.name}/certificate.`,
    { members: { state: stored.state } }
  )
}

/** The generations of a line, oldest first; of a generation's name, that one. @throws MintlineError `authority_not_found`. */
export function selectGenerations(
  generations: readonly StoredGeneration[],
  lineOrName: string
): readonly [StoredGeneration, ...StoredGeneration[]] {
  const named = generations.filter(({ name }) => name === lineOrName)
  const selected = named.length > 0 ? named : generations.filter(({ line }) => line === lineOrName)
  const [first, ...rest] = selected
  if (first !== undefined) return [first, ...rest]
  throw new MintlineError('authority_not_found', `There is no authority or authority line ${lineOrName}.`)
}

/** @throws MintlineError `authority_exists` when a generation of any line has this key. */
export function assertKeyIsNew(generations: readonly StoredGeneration[], spkiDer: Uint8Array): void {
  const holder = generations.find(generation => {
    const known = spkiOf(generation)
    return known !== undefined && isEqual(known, spkiDer)
  })
  if (holder === undefined) return
  throw new MintlineError('authority_exists', `This key belongs to ${holder.name} already. Use another key.`)
}

/** SHA-256 of each SubjectPublicKeyInfo: of a key, and of the certificates above it. */
export function keyDigestsOf(
  spkiDer: Uint8Array,
  issuersDer: readonly Uint8Array[] = []
): readonly Uint8Array[] {
  const ofIssuers = issuersDer.map(der => parseCertificate(der, 'authority_invalid').subjectPublicKeyInfo.der)
  return [spkiDer, ...ofIssuers].map(der => hash('sha256', der, 'buffer'))
}

export function nextGenerationOf(generations: readonly StoredGeneration[], line: string): number {
  return 1 + Math.max(0, ...generations.filter(each => each.line === line).map(each => each.generation))
}
