import type { Role } from '../../access/principal.ts'
import { type Act, buildAuditEvent } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Profiles } from '../../profiles/profile.ts'
import { reissueOf } from '../../profiles/reissue/reissue-rules.ts'
import { type IssuanceRecord, type IssuedRecord, stateOf } from '../../records/record.ts'
import type { Records } from '../../records/records.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { ReleaseStore } from './release-store.ts'

export interface Releasing {
  /**
   * Lets the device of a certificate have its next one, where the profile has the next one supersede it (`reissue`), in
   * its newest version; and where a compromised generation issued it and the profile leaves that to an administrator. The
   * same again changes nothing.
   *
   * @param act with its reason.
   * @param role of who acts: what is compromised or revoked, an administrator alone releases.
   * @returns the record.
   * @throws MintlineError `issuance_not_found`; `role_forbidden`; `issuance_not_releasable` for one of another profile, for
   *   what was not issued, and where the device has a later issuance: then it is that one which counts.
   */
  release(id: string, act: Act & { readonly reason: string }, role: Role): Promise<IssuedRecord>
}

export interface ReleasingDependencies {
  readonly store: ReleaseStore
  readonly records: Pick<Records, 'find'>
  readonly profiles: Pick<Profiles, 'current'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createReleasing(dependencies: ReleasingDependencies): Releasing {
  const { store, records, clock, randomBytes } = dependencies
  return {
    async release(id, act, role) {
      const before = requireIssued(await records.find(id))
      if (before.release !== undefined) return before
      await assertReleasable(before, role, dependencies)
      const time = clock()
      const { actor, reason } = act
      const { serialNumber, authority, profile, station } = before
      // A release changes nothing of that.
      const state = stateOf(before)
      const event = buildAuditEvent(
        {
          ...act,
          act: 'issuance.release',
          subject: `issuance/${id}`,
          before: { serialNumber, authority, profile, station, state, released: false },
          after: { state, released: true }
        },
        { time, randomBytes }
      )
      const { laterId } = await store.insert({ intentId: id, createdAt: time, actor, reason }, event)
      if (laterId !== undefined) throw notLatest(id, laterId)
      return requireIssued(await records.find(id))
    }
  }
}

function requireIssued(record: IssuanceRecord): IssuedRecord {
  if (record.outcome === 'issued') return record
  throw notReleasable(record.id, reasonOf(record))
}

async function assertReleasable(
  { id, profile, scrap, supersession, compromised, hold, revocation }: IssuedRecord,
  role: Role,
  dependencies: Pick<ReleasingDependencies, 'profiles'>
): Promise<void> {
  if (scrap !== undefined)
    throw notReleasable(
      id,
      'scrapped, for which there is no way back. Where that was a mistake, give the device a new name and a new key.'
    )
  if (supersession !== undefined) throw notLatest(id, supersession.successor)
  if (hold !== undefined)
    throw notReleasable(
      id,
      `on hold. Take it off hold (POST /v1/issuances/${id}/unhold), or have an administrator revoke it; then release it.`
    )
  if (compromised === true) {
    assertAdmin(role, 'of a compromised generation', id)
    return
  }
  if (revocation !== undefined) assertAdmin(role, `revoked (${revocation.revocationReason})`, id)
  const { reissue, atOnce } = await reissueOf(profile, dependencies)
  if (reissue === 'supersede') return
  const has =
    reissue === 'allow'
      ? `lets a device have ${atOnce} certificates at once: a CSR of a new key is certified without a release while it has fewer, and POST /v1/issuances/${id}/scrap makes room`
      : 'gives a device one certificate, which its own CSR gets again'
  throw notReleasable(
    id,
    `issued, and its certificate stands. The profile ${profile} ${has}. To have it superseded by another, an administrator posts the profile ${profile} with reissue "supersede" (POST /v1/profiles); then release it. Where the device is no more, scrap it: POST /v1/issuances/${id}/scrap.`
  )
}

/** What ended by an act of an administrator goes on by one alone. @throws MintlineError `role_forbidden`. */
function assertAdmin(role: Role, what: string, id: string): void {
  if (role === 'admin') return
  throw new MintlineError(
    'role_forbidden',
    `The record ${id} is ${what}, which an administrator alone releases; this token is of the role ${role}.`,
    { members: { requiredRoles: ['admin'] } }
  )
}

function notReleasable(id: string, what: string): MintlineError {
  return new MintlineError('issuance_not_releasable', `The record ${id} is ${what}`)
}

function notLatest(id: string, laterId: string): MintlineError {
  return new MintlineError(
    'issuance_not_releasable',
    `The device of ${id} has a later issuance, ${laterId}: releasing this one would change nothing. Look at GET /v1/issuances/${laterId}; release that one.`,
    { members: { laterIssuance: laterId } }
  )
}

/** Why it is not released, and what helps. */
function reasonOf({ id, outcome }: Exclude<IssuanceRecord, IssuedRecord>): string {
  return outcome === 'unknown'
    ? `open: nothing is recorded as issued. Send the same CSR again, which completes it, or end it with POST /v1/issuances/${id}/void.`
    : reasons[outcome]
}

const reasons = {
  rejected: 'a refusal: nothing was issued, so that its device needs no release. Send a corrected CSR.',
  void: 'void: its device is free already. Send the CSR again, or one with a new key where that one is blocked.'
} as const satisfies Record<Exclude<IssuanceRecord['outcome'], 'unknown' | 'issued'>, string>
