import { tokenRevoked } from '../audit/audit-event.ts'
import type { Authorities, IssuingAuthority } from '../authorities/authority.ts'
import type { ClockTrust } from '../clock/clock-trust.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { BlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import type { KeyFaults } from '../factory/stations/key-faults/key-fault.ts'
import type { WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import type { Mes } from '../mes/mes.ts'
import type { TbsCertificate } from '../pki/certificate/certificate.ts'
import { type CertificationRequest, parseCertificationRequest } from '../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../pki/csr/intake.ts'
import { verifyProofOfPossession } from '../pki/csr/proof-of-possession.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import type { Profiles } from '../profiles/profile.ts'
import type { Intent } from '../records/record-model.ts'
import { describeIssued, type Records } from '../records/records.ts'
import type { Durable } from '../signing/durable.ts'
import type { Clock } from '../sources/clock.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { Cycle } from './commit/cycle.ts'
import type { OutdatedReason } from './commit/cycle-store.ts'
import type { Completion } from './completion.ts'
import { type Draft, type DraftInput, draftIntent } from './draft.ts'
import { findServed, resolveTaken, revokedBefore } from './earlier/earlier.ts'
import type { FirstUse } from './first-use.ts'
import { commitRefusal, type CommitRefusals } from './lots/commit-refusal.ts'
import { createConsultation } from './mes/consultation.ts'
import { predict } from './prediction.ts'
import { keyFaultOf } from './refusals/key-faults/key-fault-of.ts'
import { assertLotNamed } from './refusals/lot-refusal.ts'
import { isRefusal, mayHaveBeenServed, type RecordRefusal } from './refusals/refusal.ts'
import { assertProfileAllowed, profileNotAllowed } from './refusals/station-rights.ts'
import type { Replay } from './replay.ts'
import {
  accountOfError,
  accountOfResult,
  askedOf,
  type IssuanceAccount,
  type IssuanceRequest,
  type IssuanceResult,
  type Progress
} from './request.ts'

export interface Issuance {
  /**
   * Issues a certificate, or gives back the one that the same request got before. When it returns, the
   * certificate is on record; when it refuses, the refusal is (`members.issuanceId` names it).
   */
  issue(request: IssuanceRequest): Promise<IssuanceResult>
}

export interface IssuanceDependencies extends CommitRefusals {
  readonly profiles: Profiles
  readonly authorities: Authorities
  readonly records: Records
  readonly cycle: Pick<Cycle, 'commitIntent'>
  readonly completion: Completion
  readonly replay: Replay
  readonly firstUse: FirstUse
  readonly recordRefusal: RecordRefusal
  readonly blockedKeys: Pick<BlockedKeys, 'find' | 'refusalOf'>
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
  readonly keyFaults: KeyFaults
  readonly mes: Pick<Mes, 'ask'>
  /** Of the service, for relying parties; undefined where it has none. */
  readonly publicUrl: string | undefined
  /** Why a token that was let in is not taken any more. */
  readonly whyTokenEnded: (tokenId: string) => Promise<MintlineError | undefined>
  readonly clock: Clock
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly randomBytes: RandomBytes
  /** Told of every answer. */
  readonly observe: (account: IssuanceAccount, seconds: number) => void
}

/** Rules change now and then, not all the time: a second look is nearly always enough, and a tug-of-war ends. */
const maximumRounds = 8

export function createIssuance(dependencies: IssuanceDependencies): Issuance {
  const { profiles, authorities, cycle, observe } = dependencies
  const { clockTrust, weakKeys, firstUse } = dependencies

  async function decideOrServeAgain(progress: Progress): Promise<IssuanceResult> {
    try {
      assertProfileAllowed(progress.request)
      const csr = parseCertificationRequest(decodeCertificationRequest(progress.request.csr))
      progress.parsed = csr
      await verifyProofOfPossession(csr)
      progress.csr = csr
      return await decide(progress, csr)
    } catch (error) {
      if (!isMintlineError(error) || !mayHaveBeenServed(error)) throw error
      const served = await findServed(dependencies, progress, error)
      if (served === undefined) throw error
      return served
    }
  }

  async function decide(progress: Progress, csr: CertificationRequest): Promise<IssuanceResult> {
    const { request } = progress
    let { lot } = request
    const consult = createConsultation(dependencies, progress)
    await clockTrust.assertTrusted()
    weakKeys.assertUnlisted(csr)
    for (let round = 1; round <= maximumRounds; round++) {
      const profile = (progress.profile = await profiles.current(request.profile))
      const authority = (progress.authority = await authorities.issuing(profile.version.document.authority))
      const draft = draftOf(dependencies, request, { csr, profile, authority })
      assertLotNamed(request, profile.version.document.lot)
      await firstUse.assertSound(profile, authority)
      const consulted = await consult(draft, lot)
      if (consulted === undefined) continue
      if ('served' in consulted) return consulted.served
      const intent = { ...draft.intent, ...askedOf({ ...request, lot }), ...consulted }
      const outcome = await cycle.commitIntent(intent, draft.tbs.subject)
      switch (outcome.kind) {
        case 'durable':
          return finishNew(dependencies, outcome.intent, { tbs: draft.tbs, profile, authority })
        case 'taken':
          return resolveTaken(dependencies, outcome, { draft, profile: request.profile })
        case 'blocked':
          throw (
            (await revokedBefore(dependencies, draft.intent)) ??
            (await commitRefusal(dependencies, outcome, { request: { ...request, lot }, draft }))
          )
        case 'of-station':
        case 'no-place':
        case 'unexpected':
          throw await commitRefusal(dependencies, outcome, { request: { ...request, lot }, draft })
        // Its device has a place already, which moves along.
        case 'placed':
          lot = outcome.lot
          break
        case 'outdated':
          await takeNewRules(dependencies, outcome.reason, request)
      }
    }
    throw rulesInFlux()
  }

  return { issue: observed(recording(dependencies, decideOrServeAgain), observe) }
}

function draftOf(
  { publicUrl, clock, randomBytes }: IssuanceDependencies,
  { subject: stationSubject }: IssuanceRequest,
  under: Pick<DraftInput, 'csr' | 'profile' | 'authority'>
): Draft {
  return draftIntent({ ...under, stationSubject, publicUrl, now: clock(), randomBytes })
}

function rulesInFlux(): MintlineError {
  return new MintlineError('overloaded', 'The rules are being changed at this moment. Send the CSR again.', {
    retryAfterSeconds: 1
  })
}

async function takeNewRules(
  { authorities, profiles, whyTokenEnded }: IssuanceDependencies,
  reason: OutdatedReason,
  { station, profile }: IssuanceRequest
): Promise<void> {
  if (reason === 'authority') return authorities.refresh()
  if (reason === 'profile') return profiles.refresh()
  if (reason === 'station') throw profileNotAllowed(station, profile)
  throw (await whyTokenEnded(station.tokenId)) ?? tokenRevoked()
}

/** @returns what to answer with: a refusal once it is on record, anything else as it is. */
async function recorded(
  { recordRefusal, keyFaults }: Pick<IssuanceDependencies, 'recordRefusal' | 'keyFaults'>,
  error: unknown,
  progress: Progress
): Promise<unknown> {
  if (!isMintlineError(error) || !isRefusal(error)) return error
  const { request } = progress
  const refused = await recordRefusal(error, request, rulesReached(progress))
  // A crash in between leaves it uncounted, and the station without an answer: its retry is counted.
  const fault = refused.code === error.code ? keyFaultOf(error, progress) : undefined
  if (fault !== undefined) await keyFaults.note(request.station.name, fault)
  return refused
}

function recording(dependencies: IssuanceDependencies, answer: Answer): Answer {
  return progress =>
    answer(progress).catch(async (error: unknown) => {
      throw await recorded(dependencies, error, progress)
    })
}

/** Notes how far it came, for who tells of it. */
type Answer = (progress: Progress) => Promise<IssuanceResult>

function rulesReached({ profile, authority }: Progress) {
  return { profileVersion: profile?.version.version ?? null, authority: authority?.name ?? null }
}

interface DraftedUnder {
  readonly tbs: TbsCertificate
  readonly profile: CompiledProfile
  readonly authority: IssuingAuthority
}

async function finishNew(
  { completion, replay: { replay, findSettled } }: Pick<IssuanceDependencies, 'completion' | 'replay'>,
  intent: Durable<Intent>,
  { tbs, profile, authority }: DraftedUnder
): Promise<IssuanceResult> {
  const completed = await completion.complete({
    intent,
    authority,
    judgement: refuseUnjudged,
    readTbs: () => tbs,
    predictThing: certificateDer => predict(profile, tbs, certificateDer).thing
  })
  if (!completed.recorded) return replay(await findSettled(intent.id))
  const { name, version, templateSha256 } = profile.version
  const { name: authorityName, state: authorityState } = authority
  const rules = {
    profile: name,
    profileVersion: version,
    templateSha256,
    authority: authorityName,
    authorityState
  }
  const record = describeIssued({ ...intent, ...rules, ...completed }, authority.chainDer, tbs)
  return { record, replayed: false }
}

/** A draft is judged before its commit. */
function refuseUnjudged(): never {
  throw new TypeError('A draft was not held against its rules')
}

function observed(answer: Answer, observe: IssuanceDependencies['observe']): Issuance['issue'] {
  return async request => {
    const start = performance.now()
    const progress: Progress = { request }
    const tell = (account: IssuanceAccount) => {
      observe(account, (performance.now() - start) / 1000)
      request.tell?.(account)
    }
    try {
      const result = await answer(progress)
      tell(accountOfResult(result, progress))
      return result
    } catch (error) {
      tell(accountOfError(error, progress))
      throw error
    }
  }
}
