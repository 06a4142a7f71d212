import type { Authorities } from '../../authorities/authority.ts'
import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import type { Profiles } from '../../profiles/profile.ts'
import { reissueOf } from '../../profiles/reissue/reissue-rules.ts'
import {
  earlierIssuanceOf,
  type IssuanceRecord,
  type IssuedRecord,
  type UnknownRecord
} from '../../records/record.ts'
import { revokedWay } from './revoked-way.ts'

export interface EndDependencies {
  readonly authorities: Pick<Authorities, 'list' | 'refresh'>
  readonly profiles: Pick<Profiles, 'current'>
}

/** A certificate, or an intent for one that was revoked before it was recorded. */
export type EndedRecord = IssuedRecord | UnknownRecord

/** What a station is told of the way out. */
interface Ended extends EndDependencies {
  readonly record: EndedRecord
  /** What the device got after it, if anything. */
  readonly later: IssuanceRecord | undefined
  readonly isKeyBlocked?: boolean | undefined
}

/** Something that ends a certificate: from then on no retry gets it any more. */
interface End {
  readonly code: ErrorCode
  holds(record: EndedRecord): boolean
  /** What happened, and what is done now: something that is possible. */
  describe(ended: Ended): Promise<string>
}

/**
 * In the order in which they are told where several hold: `certificate_revoked`, `certificate_superseded`,
 * `certificate_held`, `certificate_compromised`. What was decided about the one certificate says more than what became of its
 * CA; where all of a CA was revoked with it, that says what is done now.
 */
const ends: readonly End[] = [
  {
    code: 'certificate_revoked',
    holds: record => scrapOf(record) !== undefined,
    describe: async ({ record, profiles }) => {
      const { reissue, atOnce } = await reissueOf(record.profile, { profiles })
      return reissue === 'allow'
        ? `The certificate of this request was scrapped and is not handed out again. A CSR of a new key is certified while the device has fewer than ${atOnce} certificates, as the profile ${record.profile} allows.`
        : `The device of this request was scrapped: its certificate is not handed out again, and it gets no other. Take it out of the line. Where the scrapping was a mistake, give the device a new name and a new key.`
    }
  },
  {
    code: 'certificate_revoked',
    holds: isRevokedByItself,
    describe: async ({ record, later, isKeyBlocked = false, ...dependencies }) => {
      const afterCompromise = isCompromised(record) ? await whenNext(record, dependencies) : undefined
      const rules = await reissueOf(record.profile, dependencies)
      return revokedWay(record, { later, isKeyBlocked, afterCompromise, rules })
    }
  },
  {
    code: 'certificate_superseded',
    holds: record => supersessionOf(record) !== undefined,
    describe: async ({ record, later }) => {
      const id = later?.id ?? supersessionOf(record)!.successor
      return `The device of this request was released, and has another certificate since: that of the issuance ${id}. This one is not handed out again. Send the CSR of the key that the device has now, which gets its certificate. Where it is back for rework once more, an operator releases that one: POST /v1/issuances/${id}/release; then it is certified for a new key.`
    }
  },
  {
    code: 'certificate_held',
    holds: isHeld,
    describe: async ({ record: { id } }) =>
      `A certificate of the device of this request is on hold: it is not handed out meanwhile, and the device gets no other. Put the device aside. Once it is cleared, an operator takes the certificate off hold (POST /v1/issuances/${id}/unhold); then send the CSR again. Where it is not, an administrator revokes it (POST /v1/issuances/${id}/revoke).`
  },
  {
    code: 'certificate_compromised',
    holds: isCompromised,
    describe: async ended =>
      `The certificate of this request is of ${ended.record.authority}, whose key is compromised, so it is not handed out again. ${await wayOut(ended)}`
  }
]

const scrapOf = (record: EndedRecord) => (record.outcome === 'issued' ? record.scrap : undefined)
const supersessionOf = (record: EndedRecord) =>
  record.outcome === 'issued' ? record.supersession : undefined

/** That a certificate is on hold, and nothing has ended it. */
export function isHeld(record: EndedRecord): boolean {
  return record.outcome === 'issued' && record.hold !== undefined
}

function isCompromised(record: EndedRecord): boolean {
  return record.outcome === 'issued' && record.compromised === true
}

/**
 * Whether it was revoked by an act, for another reason than that all of its compromised CA is. What was on hold then stays in doubt: the
 * guard `revoked_by_itself`.
 */
function isRevokedByItself(record: EndedRecord): boolean {
  const { revocation } = record
  if (revocation?.isByAct !== true) return false
  if (record.outcome === 'unknown') return true
  return !isCompromised(record) || revocation.revocationReason !== 'cACompromise' || revocation.wasHeld
}

/** The record, if it is of a certificate that has ended. */
export function endedOf(record: IssuanceRecord): EndedRecord | undefined {
  if (record.outcome !== 'issued' && record.outcome !== 'unknown') return undefined
  return ends.some(({ holds }) => holds(record)) ? record : undefined
}

/**
 * The refusal of a request for a certificate that has ended: the first end that holds. `members.earlierIssuance` names
 * the record, `members.laterIssuance` what the device has in the place of one that is superseded.
 */
export async function endedRefusal(
  record: EndedRecord,
  dependencies: EndDependencies,
  later?: IssuanceRecord
): Promise<MintlineError> {
  return refusalBy(
    ends.find(({ holds }) => holds(record))!,
    { ...dependencies, record, later }
  )
}

/**
 * The refusal of a request for a certificate that was revoked, and whose key is blocked besides; undefined where it has ended in no such
 * way, so that the block is what is told.
 */
export async function revokedBlockedRefusal(
  record: EndedRecord,
  dependencies: EndDependencies
): Promise<MintlineError | undefined> {
  const end = ends.find(({ holds }) => holds(record))
  if (end?.code !== 'certificate_revoked') return undefined
  return refusalBy(end, { ...dependencies, record, later: undefined, isKeyBlocked: true })
}

/** The refusal of another certificate for the device of one that bars it: on hold, or the first end that holds. */
export async function barringRefusal(
  record: EndedRecord,
  dependencies: EndDependencies
): Promise<MintlineError> {
  const hold = isHeld(record) ? ends.find(({ code }) => code === 'certificate_held') : undefined
  if (hold === undefined) return endedRefusal(record, dependencies)
  return refusalBy(hold, { ...dependencies, record, later: undefined })
}

async function refusalBy(end: End, ended: Ended): Promise<MintlineError> {
  const { record, later } = ended
  const earlierIssuance = earlierIssuanceOf(record)
  const told = await end.describe(ended)
  const detail = `${told} The earlier issuance is ${earlierIssuance.id} of ${earlierIssuance.requestedAt}.`
  const supersession = supersessionOf(record)
  const laterIssuance = supersession && (later?.id ?? supersession.successor)
  return new MintlineError(end.code, detail, {
    members: { earlierIssuance, ...(laterIssuance !== undefined && { laterIssuance }) }
  })
}

/** Whether its device gets the next certificate as soon as a generation is active, without an act for it. */
export async function isReissued(
  record: EndedRecord,
  { profiles }: Pick<EndDependencies, 'profiles'>
): Promise<boolean> {
  const { profile } = record
  if (record.outcome === 'issued' && record.release !== undefined) return true
  if (isRevokedByItself(record)) return false
  return (await profiles.current(profile)).version.document.afterCompromise !== 'refuse'
}

/** The generation that issues in the place of a compromised one. */
export async function successorOf(
  name: string,
  { authorities }: Pick<EndDependencies, 'authorities'>
): Promise<string | undefined> {
  const find = () => authorities.list().find(each => each.name === name)
  // Another process declared it compromised a moment ago.
  if (find()?.state !== 'compromised') await authorities.refresh()
  const line = find()?.line
  return authorities.list().find(each => each.line === line && each.state === 'active')?.name
}

/** When what follows a certificate of a compromised generation is certified. */
async function whenNext(
  { authority }: EndedRecord,
  dependencies: Pick<EndDependencies, 'authorities'>
): Promise<string> {
  const successor = await successorOf(authority, dependencies)
  return successor === undefined
    ? 'once an administrator has activated another generation of the authority'
    : `by ${successor}`
}

async function wayOut({ record, later, ...dependencies }: Ended): Promise<string> {
  if (later !== undefined && later.id !== record.id) {
    return `The device has another since: that of the issuance ${later.id}, with the key of its own CSR.`
  }
  const again = 'the same CSR, or one with a new key, is certified'
  const when = await whenNext(record, dependencies)
  if (await isReissued(record, dependencies)) return `Send the CSR again: ${again} ${when}.`
  return `The profile ${record.profile} wants an administrator to decide (afterCompromise: refuse): after POST /v1/issuances/${record.id}/release with a reason, ${again} ${when}.`
}
