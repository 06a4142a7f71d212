import type { Authorities, Authority } from '../../authorities/authority.ts'
import type { ClockTrust } from '../../clock/clock-trust.ts'
import type { GroupCommit } from '../../database/group-commit.ts'
import { type ErrorCode, isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import {
  isOfIssuer,
  type IssuerNaming,
  keyOfCertificateId,
  nameIssuer
} from '../../pki/ocsp/certificate-id.ts'
import { type OcspRequest, parseOcspRequest } from '../../pki/ocsp/request.ts'
import { buildResponseData, ocspErrorResponse, type OcspErrorStatus } from '../../pki/ocsp/response.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import { isSpokenFor } from '../crl/scope.ts'
import { AnswerCache } from './answer-cache.ts'
import type { Responders } from './responder/responders.ts'
import type { AskedCertificate, RecordedStatus } from './status-store.ts'

/** One answer as it goes out. */
export interface OcspReply {
  /** An OCSPResponse. */
  readonly der: Uint8Array
  /** `good`, `revoked` or `unknown` (of several certificates `several`), or what is answered in place of that. */
  readonly outcome: 'good' | 'revoked' | 'unknown' | 'several' | OcspErrorStatus
  /** Of what others may keep: since when and until when it is true. Undefined for all that is for one client alone. */
  readonly lasts?: { readonly thisUpdate: Date; readonly nextUpdate: Date } | undefined
}

export interface Ocsp {
  /**
   * Answers an OCSPRequest of certificates of one generation. What cannot be said is answered by an OCSPResponse without a
   * signature: `tryLater` where the database, the clock or the key keep it from being known, never an older answer.
   *
   * @param authority name of the generation.
   * @throws MintlineError `authority_not_found`.
   */
  answer(authority: string, requestDer: Uint8Array): Promise<OcspReply>
}

export interface OcspDependencies {
  readonly authorities: Pick<Authorities, 'list'>
  readonly responders: Pick<Responders, 'find'>
  /** Of `StatusStore.find`, many at a time. */
  readonly lookup: Pick<GroupCommit<AskedCertificate, RecordedStatus>, 'submit'>
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly clock: Clock
  readonly stopwatch: Stopwatch
  /** From thisUpdate to nextUpdate. */
  readonly validityMs: number
  /** Told of each answer. */
  readonly observe: (outcome: OcspReply['outcome']) => void
  /** Told of what nobody expects to go wrong, and nothing else tells of. */
  readonly tell: (error: MintlineError) => void
}

/** So long after it was found an answer is given again: what is revoked meanwhile is seen then, in every process. */
export const freshMs = 5_000
/** About a kilobyte each. */
const maximumAnswers = 20_000
/** A client that is told early can ask another process, or again. */
const lookupMs = 5_000
/** A certificate may be issued at any moment. */
const unknownValidityMs = 60_000

export function createOcsp(dependencies: OcspDependencies): Ocsp {
  const { authorities, stopwatch, clock, observe, tell } = dependencies
  const cache = new AnswerCache<OcspReply>(
    { stopwatch, freshMs, maximumAnswers },
    ({ lasts }) => lasts === undefined || clock() < lasts.nextUpdate
  )
  const namings = new WeakMap<Authority, IssuerNaming>()

  function namingOf(authority: Authority): IssuerNaming {
    const known = namings.get(authority)
    if (known !== undefined) return known
    const naming = nameIssuer(authority.certificate)
    namings.set(authority, naming)
    return naming
  }

  async function reply(authority: Authority, requestDer: Uint8Array): Promise<OcspReply> {
    const request = parseOcspRequest(requestDer)
    const { certificateIds, nonce } = request
    const [first, ...others] = certificateIds
    const speaks = mayBeAsked(authority, clock())
    if (!speaks || !certificateIds.every(id => isOfIssuer(id, namingOf(authority))))
      return refuse('unauthorized')
    const look = () => lookUp(dependencies, authority, request)
    // With a nonce, an answer is for one client alone.
    if (nonce !== undefined || others.length > 0) return look()
    return cache.find(`${authority.id} ${authority.state} ${keyOfCertificateId(first)}`, look)
  }

  return {
    async answer(name, requestDer) {
      const authority = authorities.list().find(each => each.name === name)
      if (authority === undefined)
        throw new MintlineError('authority_not_found', `There is no authority ${name}.`)
      const answered = await reply(authority, requestDer).catch((error: unknown) => refusalOf(error, tell))
      observe(answered.outcome)
      return answered
    }
  }
}

/** Of one that is compromised nobody can tell what it signed; one that has not issued has nothing to tell of. */
function mayBeAsked({ state, path }: Authority, now: Date): boolean {
  return isSpokenFor(state) && now < path.notAfter
}

async function lookUp(
  { responders, lookup, clockTrust, clock, validityMs }: OcspDependencies,
  authority: Authority,
  { certificateIds, nonce }: OcspRequest
): Promise<OcspReply> {
  await clockTrust.assertTrusted()
  const responder = await responders.find(authority)
  // Before the question: whatever is committed from now on is not in the answer.
  const thisUpdate = clock()
  const looking = Promise.all(
    certificateIds.map(({ serialNumber }) =>
      lookup.submit({ authorityId: authority.id, serialNumber, at: thisUpdate })
    )
  )
  const statuses = await withinTime(looking, lookupMs)
  const known = statuses.flatMap(status => (status.state === 'undecided' ? [] : [status]))
  if (known.length < statuses.length) return refuse('unauthorized')
  const nextUpdate = earliest([
    new Date(thisUpdate.getTime() + validityMs),
    responder.notAfter,
    ...known.flatMap(status => endsOf(status, thisUpdate))
  ])
  const responseData = buildResponseData({
    responderKeyHash: responder.keyHash,
    answers: certificateIds.map(({ der }, index) => ({ certificateIdDer: der, status: known[index]! })),
    thisUpdate,
    nextUpdate,
    producedAt: thisUpdate,
    nonce
  })
  const isForAll = nonce === undefined && !known.some(({ state }) => state === 'unknown')
  return {
    der: responder.respond(responseData),
    outcome: known.length === 1 ? known[0]!.state : 'several',
    lasts: isForAll ? { thisUpdate, nextUpdate } : undefined
  }
}

function endsOf({ state, until }: RecordedStatus, now: Date): Date[] {
  if (state === 'unknown') return [new Date(now.getTime() + unknownValidityMs)]
  return until === undefined ? [] : [until]
}

function earliest(times: readonly Date[]): Date {
  return new Date(Math.min(...times.map(time => time.getTime())))
}

const refusals = Object.fromEntries(
  (['malformedRequest', 'internalError', 'tryLater', 'unauthorized'] as const).map(outcome => [
    outcome,
    { der: ocspErrorResponse(outcome), outcome }
  ])
) as Readonly<Record<OcspErrorStatus, OcspReply>>

function refuse(outcome: OcspErrorStatus): OcspReply {
  return refusals[outcome]
}

/** `/readyz` tells of these, or the metrics do. */
const expectedFailures: readonly ErrorCode[] = [
  'authority_unavailable',
  'clock_untrusted',
  'database_unavailable',
  'key_unusable',
  'overloaded',
  'signer_disabled',
  'signer_unavailable'
]

/** What a client can do about it; who operates the service reads the cause in the log and at `/readyz`. */
function refusalOf(error: unknown, tell: OcspDependencies['tell']): OcspReply {
  if (!isMintlineError(error)) throw error
  if (error.code === 'request_invalid') return refuse('malformedRequest')
  if (!expectedFailures.includes(error.code)) tell(error)
  return refuse(error.code === 'internal_error' ? 'internalError' : 'tryLater')
}

/** @throws MintlineError `database_unavailable` where it takes longer. */
async function withinTime<Result>(work: Promise<Result>, milliseconds: number): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const detail = 'The database has not answered in time.'
  const timer = setTimeout(() => reject(new MintlineError('database_unavailable', detail)), milliseconds)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}
