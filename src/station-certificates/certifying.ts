import { actorOf, buildAuditEvent } from '../audit/audit-event.ts'
import type { Authorities, IssuingAuthority } from '../authorities/authority.ts'
import { noLongerSigns } from '../authorities/unavailable.ts'
import type { ClockTrust } from '../clock/clock-trust.ts'
import { isMintlineError, type MintlineError } from '../errors/mintline-error.ts'
import type { BlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import type { WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import { parseCertificate } from '../pki/certificate/certificate.ts'
import { type CertificationRequest, parseCertificationRequest } from '../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../pki/csr/intake.ts'
import { verifyProofOfPossession } from '../pki/csr/proof-of-possession.ts'
import { toHex } from '../pki/der/octet-text.ts'
import { isEqual } from '../pki/der/octets.ts'
import { assertKeyAllowed } from '../pki/key/public-key.ts'
import { describeName } from '../pki/path/distinguished-name.ts'
import type { Durable } from '../signing/durable.ts'
import { signDurable } from '../signing/sign-durable.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { IntentOutcome, StationCertificateStore } from './certificate-store.ts'
import { type DraftRules, draftStationCertificate, followsFrom, judgeReadBack } from './draft.ts'
import type { StationProfiles } from './profile/station-profile.ts'
import { assertAsIssued } from './recorded.ts'
import { exhausted, inFlux, keyRefused } from './refusals.ts'
import type {
  StationCertificate,
  StationCertificateIntent,
  StationCertificateRequest,
  StationCertificateResult,
  StationCertifying
} from './station-certificate.ts'

import { digest } from '#crypto'

export interface CertifyingDependencies {
  readonly store: StationCertificateStore
  readonly profiles: Pick<StationProfiles, 'current'>
  readonly authorities: Pick<Authorities, 'issuing' | 'find' | 'refresh' | 'list'>
  readonly blockedKeys: Pick<BlockedKeys, 'refusalOf'>
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly findStationId: (name: string) => Promise<string>
  /** Why what let a station in does not any more. */
  readonly whyEnded: (credential: string) => Promise<MintlineError>
  /** Lets so many requests at once to the database; a station renews now and then, and all of them may after a fault. */
  readonly inTurn: <Outcome>(work: () => Promise<Outcome>) => Promise<Outcome>
  /** Called after each certificate: what was not known a moment ago is now. */
  readonly onIssue: () => void
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** Generation and profile change now and then: a second look is nearly always enough. */
const maximumRounds = 4

export function createStationCertifying(dependencies: CertifyingDependencies): StationCertifying {
  const { store, profiles, authorities, weakKeys, clockTrust } = dependencies
  const complete = createCompletion(dependencies)

  return {
    async certify(request) {
      const csr = parseCertificationRequest(decodeCertificationRequest(request.csr))
      await verifyProofOfPossession(csr)
      await clockTrust.assertTrusted()
      weakKeys.assertUnlisted(csr)
      assertNoAuthority(authorities, csr)
      const stationId = await dependencies.findStationId(request.station.name)
      for (let round = 1; round <= maximumRounds; round++) {
        const profile = await profiles.current()
        assertKeyAllowed(csr.publicKey, profile.document.keys)
        const authority = await authorities.issuing(profile.document.authority)
        const rules = { station: request.station.name, csr, profile, authority }
        const outcome = await commit(dependencies, rules, { request, csrDer: csr.der, stationId })
        switch (outcome.kind) {
          case 'durable':
          case 'open':
            return complete(outcome.intent, rules, { request, replayed: outcome.kind === 'open' })
          case 'issued':
            return replay(dependencies, outcome)
          case 'outdated':
            await authorities.refresh()
            break
          case 'blocked':
          case 'key-refused':
          case 'exhausted':
          case 'not-let-in':
            throw await refusalOf(dependencies, outcome, { request, spkiDer: csr.spkiDer })
        }
      }
      throw inFlux()
    },
    findStanding: ({ name, tokenId }) => store.findStanding(name, tokenId)
  }
}

interface Asked {
  readonly request: StationCertificateRequest
  readonly csrDer: Uint8Array
  readonly stationId: string
}

function commit(
  { store, inTurn, clock, randomBytes }: CertifyingDependencies,
  rules: DraftRules,
  { request, csrDer, stationId }: Asked
): Promise<IntentOutcome> {
  const { profile, authority, csr } = rules
  const createdAt = clock()
  const intent: StationCertificateIntent = {
    ...draftStationCertificate(rules, createdAt, randomBytes),
    id: newId(createdAt, randomBytes),
    createdAt,
    stationId,
    authorityId: authority.id,
    profileVersionId: profile.id,
    credential: request.station.tokenId,
    requestId: request.requestId,
    spkiSha256: digest('sha256', csr.spkiDer),
    csrDer
  }
  return inTurn(() => store.commit(intent, open => isUsable(open, intent, rules)))
}

/** One that has waited for long would give a certificate that is over sooner than the station reckons with. */
const longestOpenMs = 3_600_000

function isUsable(
  open: StationCertificateIntent,
  { createdAt, authorityId, profileVersionId }: StationCertificateIntent,
  rules: DraftRules
): boolean {
  const isOfNow = open.authorityId === authorityId && open.profileVersionId === profileVersionId
  const isYoung = createdAt.getTime() - open.createdAt.getTime() < longestOpenMs
  return isOfNow && isYoung && followsFrom(open, rules)
}

interface Completed {
  readonly request: StationCertificateRequest
  readonly replayed: boolean
}

/** Signs an intent and puts the certificate on record; once, however many ask for it meanwhile. */
function createCompletion(dependencies: CertifyingDependencies) {
  const underWay = new Map<string, Promise<StationCertificate>>()
  return async (
    intent: Durable<StationCertificateIntent>,
    rules: DraftRules,
    { request, replayed }: Completed
  ): Promise<StationCertificateResult> => {
    const { authority } = rules
    let completion = underWay.get(intent.id)
    if (completion === undefined) {
      completion = signAndRecord(dependencies, intent, { rules, request }).finally(() =>
        underWay.delete(intent.id)
      )
      underWay.set(intent.id, completion)
    }
    const certificate = await completion
    const chainDer = [certificate.certificateDer, ...authority.chainDer]
    return { certificate, authority: authority.name, chainDer, replayed }
  }
}

async function signAndRecord(
  dependencies: CertifyingDependencies,
  intent: Durable<StationCertificateIntent>,
  { rules, request }: { readonly rules: DraftRules; readonly request: StationCertificateRequest }
): Promise<StationCertificate> {
  const { store, onIssue, clock, randomBytes } = dependencies
  const { authority, profile } = rules
  const certificateDer = await sign(authority, intent, rules)
  const { subjectName, issuerName, notBefore, notAfter } = parseCertificate(certificateDer)
  const issuedAt = clock()
  const sha256 = digest('sha256', certificateDer)
  const event = buildAuditEvent(
    {
      actor: actorOf(request.station),
      credential: request.station.tokenId,
      requestId: request.requestId,
      act: 'station.certify',
      subject: `station/${rules.station}`,
      after: {
        certificate: toHex(sha256),
        serialNumber: toHex(intent.serialNumber),
        authority: authority.name,
        profileVersion: profile.version,
        notAfter
      }
    },
    { time: issuedAt, randomBytes }
  )
  // A crash before this leaves an open intent, which a retry with the key completes: nobody has seen the signature.
  const certificate = await store.record({
    intent,
    certificate: { sha256, certificateDer, notBefore, notAfter, issuedAt },
    subject: describeName(subjectName),
    issuer: describeName(issuerName),
    clientCertificateId: newId(issuedAt, randomBytes),
    event
  })
  if (certificate === undefined) throw noLongerSigns()
  onIssue()
  return certificate
}

async function sign(
  authority: IssuingAuthority,
  intent: Durable<StationCertificateIntent>,
  rules: DraftRules
): Promise<Uint8Array> {
  try {
    return await signDurable({
      intent,
      signer: authority.signer,
      issuerPublicKey: authority.publicKey,
      judgement: () => judgeReadBack(intent, rules)
    })
  } catch (error) {
    throw isMintlineError(error, 'certificate_mismatch') ? authority.distrust(error) : error
  }
}

/** From the record, verified again before it is handed out. */
async function replay(
  { authorities }: CertifyingDependencies,
  { certificate, tbsDer }: Extract<IntentOutcome, { kind: 'issued' }>
): Promise<StationCertificateResult> {
  const authority = await authorities.find(certificate.authorityId)
  await assertAsIssued(certificate, tbsDer, authority.publicKey)
  const chainDer = [certificate.certificateDer, ...authority.chainDer]
  return { certificate, authority: authority.name, chainDer, replayed: true }
}

function assertNoAuthority(
  authorities: Pick<Authorities, 'list'>,
  { spkiDer }: Pick<CertificationRequest, 'spkiDer'>
): void {
  if (authorities.list().some(({ certificate }) => isEqual(certificate.spkiDer, spkiDer)))
    throw keyRefused('authority')
}

type Refused = Exclude<IntentOutcome, { kind: 'durable' | 'open' | 'issued' | 'outdated' }>

async function refusalOf(
  { blockedKeys, whyEnded, clock }: CertifyingDependencies,
  outcome: Refused,
  { request, spkiDer }: { readonly request: StationCertificateRequest; readonly spkiDer: Uint8Array }
): Promise<MintlineError> {
  switch (outcome.kind) {
    case 'blocked': {
      const spkiSha256 = digest('sha256', spkiDer)
      return blockedKeys.refusalOf({ spkiSha256, reason: outcome.reason }, request.station)
    }
    case 'key-refused':
      return keyRefused(outcome.why)
    case 'exhausted':
      return exhausted(outcome.until, clock())
    case 'not-let-in':
      return whyEnded(request.station.tokenId)
  }
}
