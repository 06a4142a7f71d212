import { setTimeout as delay } from 'node:timers/promises'
import type { Authorities, IssuingAuthority } from '../authorities/authority.ts'
import type { GroupCommit } from '../database/group-commit.ts'
import { isMintlineError, MintlineError, type ErrorCode } from '../errors.ts'
import { createIdentifier } from '../identifier.ts'
import { parseCertificationRequest, type CertificationRequest } from '../pki/certification-request.ts'
import { decodeCertificationRequest } from '../pki/csr-intake.ts'
import { verifyProofOfPossession } from '../pki/proof-of-possession.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import type { Profiles } from '../profiles/profile.ts'
import type { Completion } from './completion.ts'
import { draftIntent } from './draft.ts'
import { digestOf, requestDigest, type DurableIntent, type Intent } from './intent.ts'
import type { IntentOutcome } from './intent-store.ts'
import type { IssuanceRequest, IssuanceResult } from './issuance-record.ts'
import { describeIssued, type EarlierIntent, type Records } from './records.ts'
import type { RejectionRow } from './record-store.ts'

export interface Issuance {
  /**
   * Issues a certificate, or gives back the one that the same request got before. When it returns, the
   * certificate is on record; when it refuses, the refusal is (`members.issuanceId` names it).
   */
  issue(request: IssuanceRequest): Promise<IssuanceResult>
}

export interface IssuanceDependencies {
  readonly profiles: Profiles
  readonly authorities: Authorities
  readonly records: Records
  readonly completion: Completion
  readonly intents: GroupCommit<Intent, IntentOutcome>
  readonly rejections: GroupCommit<RejectionRow, void>
  readonly clock: () => Date
  readonly randomBytes: (size: number) => Uint8Array
  /**
   * An open intent that is younger may be in the hands of another process: a retry waits that long for its record
   * before it completes the intent itself.
   */
  readonly resumeAfterMs: number
  /** Told of every answer: `issued`, `replayed` or the error's code. */
  readonly observe: (outcome: 'issued' | 'replayed' | ErrorCode, seconds: number) => void
}

/** How far a request came. */
interface Progress {
  readonly request: IssuanceRequest
  /** Set once the requester has proven to hold the key. */
  csr?: CertificationRequest
  profile?: CompiledProfile
  authority?: IssuingAuthority
}

/** What today's rules say of a request. A request that was served under earlier rules is served again. */
const decidedByRules = [
  'key_refused',
  'subject_refused',
  'jitp_would_fail',
  'profile_not_found',
  'authority_expires_first'
] as const

/** A refusal is about the request and goes on record. The rest is about the service: the station tries again. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...decidedByRules,
  'csr_malformed',
  'csr_too_large',
  'csr_signature_algorithm_refused',
  'csr_signature_invalid',
  'key_already_certified',
  'device_already_certified'
])

const servedBeforeCounts: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...decidedByRules,
  'authority_unavailable'
])

/** Rules change now and then, not all the time: a second look is nearly always enough. */
const maximumRounds = 4
const pollMs = 50

export function createIssuance(dependencies: IssuanceDependencies): Issuance {
  const { profiles, authorities, records, completion, intents, rejections } = dependencies
  const { clock, randomBytes, resumeAfterMs, observe } = dependencies

  async function issue(request: IssuanceRequest): Promise<IssuanceResult> {
    const start = performance.now()
    const observeNow = (outcome: Parameters<typeof observe>[0]) =>
      observe(outcome, (performance.now() - start) / 1000)
    try {
      const result = await answer(request)
      observeNow(result.replayed ? 'replayed' : 'issued')
      return result
    } catch (error) {
      observeNow(isMintlineError(error) ? error.code : 'internal_error')
      throw error
    }
  }

  async function answer(request: IssuanceRequest): Promise<IssuanceResult> {
    const progress: Progress = { request }
    try {
      const csr = parseCertificationRequest(decodeCertificationRequest(request.csr))
      await verifyProofOfPossession(csr)
      progress.csr = csr
      return await decide(progress, csr)
    } catch (error) {
      if (!isMintlineError(error)) throw error
      const replay = await findServedBefore(error, progress)
      if (replay !== undefined) return replay
      throw refusals.has(error.code) ? await recordRejection(error, progress) : error
    }
  }

  async function decide(progress: Progress, csr: CertificationRequest): Promise<IssuanceResult> {
    const { request } = progress
    for (let round = 1; round <= maximumRounds; round++) {
      const profile = (progress.profile = await profiles.current(request.profile))
      const authority = (progress.authority = await authorities.issuing(profile.version.document.authority))
      const draft = draftIntent({ request, csr, profile, authority, now: clock(), randomBytes })
      const outcome = await intents.submit(draft)
      switch (outcome.kind) {
        case 'durable':
          return finishNew(outcome.intent, profile, authority)
        case 'taken':
          return resolveTaken(outcome, draft)
        case 'outdated':
          await takeNewRules(outcome.reason)
      }
    }
    throw new MintlineError('overloaded', 'The rules are being changed at this moment. Send the CSR again.', {
      retryAfterSeconds: 1
    })
  }

  async function takeNewRules(reason: 'authority' | 'profile' | 'token'): Promise<void> {
    if (reason === 'authority') return authorities.refresh()
    if (reason === 'profile') return profiles.refresh()
    throw new MintlineError(
      'token_invalid',
      'This token has been revoked. Ask the administrator for a new one.'
    )
  }

  async function finishNew(
    intent: DurableIntent,
    profile: CompiledProfile,
    authority: IssuingAuthority
  ): Promise<IssuanceResult> {
    const completed = await completion.complete(intent, authority)
    if (!completed.recorded) return replay(await findSettled(intent.id))
    const { name, version } = profile.version
    const facts = { ...intent, requestedAt: intent.createdAt, profile: name, profileVersion: version }
    return { record: describeIssued(facts, authority, completed), replayed: false }
  }

  async function resolveTaken(
    { byKey, byDevice }: Extract<IntentOutcome, { kind: 'taken' }>,
    draft: Intent
  ): Promise<IssuanceResult> {
    const earlier = await findSettled((byKey ?? byDevice)!)
    if (byKey === undefined) throw alreadyCertified('device_already_certified', earlier)
    if (Buffer.compare(earlier.requestSha256, draft.requestSha256) !== 0) {
      throw alreadyCertified('key_already_certified', earlier)
    }
    return replay(earlier)
  }

  /** The same bytes again; where a crash or an outage kept them from being made, they are made now. */
  async function replay({ entry, toBeSigned, authorityId }: EarlierIntent): Promise<IssuanceResult> {
    if (entry.outcome === 'issued') return { record: entry, replayed: true }
    const ageMs = clock().getTime() - entry.requestedAt.getTime()
    if (ageMs < resumeAfterMs) await delay(pollMs)
    else await completion.complete(toBeSigned, await authorities.issuingById(authorityId))
    return replay(await findSettled(entry.id))
  }

  /** Waits for this process's own work first: an intent found open after that is not in its hands. */
  async function findSettled(intentId: string): Promise<EarlierIntent> {
    await completion.underWay(intentId)
    return records.findIntent(intentId)
  }

  async function findServedBefore(
    error: MintlineError,
    { csr, request }: Progress
  ): Promise<IssuanceResult | undefined> {
    if (csr === undefined || !servedBeforeCounts.has(error.code)) return undefined
    const earlier = await records.findByKey(digestOf(csr.spkiDer))
    if (earlier === undefined) return undefined
    const isSame = Buffer.compare(earlier.requestSha256, requestDigest(csr, request.profile)) === 0
    return isSame ? replay(earlier) : undefined
  }

  async function recordRejection(error: MintlineError, progress: Progress): Promise<MintlineError> {
    const { request, profile, authority } = progress
    const requestedAt = clock()
    const id = createIdentifier(requestedAt, randomBytes(10))
    await rejections.submit({
      id,
      requestedAt,
      code: error.code,
      detail: error.detail,
      violations: error.violations,
      csr: request.csr,
      station: request.station.name,
      tokenId: request.station.tokenId,
      profile: request.profile,
      profileVersion: profile?.version.version,
      authority: authority?.name,
      metadata: request.metadata,
      requestId: request.requestId
    })
    const { code, detail, violations, cause } = error
    return new MintlineError(code, detail, {
      violations,
      cause,
      members: { ...error.members, issuanceId: id }
    })
  }

  return { issue }
}

function alreadyCertified(
  code: 'key_already_certified' | 'device_already_certified',
  { entry }: EarlierIntent
): MintlineError {
  const found =
    code === 'key_already_certified'
      ? 'This key was certified before, with another subject or profile. A device makes a new key for a new identity.'
      : 'This device was certified before, with another key. Use the certificate it has, or have it taken out of use first.'
  return new MintlineError(
    code,
    `${found} The earlier issuance is ${entry.id} of ${entry.requestedAt.toISOString()}.`,
    {
      members: {
        earlierIssuance: {
          id: entry.id,
          serialNumber: entry.serialNumber,
          requestedAt: entry.requestedAt.toISOString()
        }
      }
    }
  )
}
