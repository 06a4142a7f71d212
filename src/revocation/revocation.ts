import { type Act, type AuditEvent, buildAuditEvent } from '../audit/audit-event.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { BlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import type { FinalReason } from '../pki/revocation/reason.ts'
import type { IssuanceRecord } from '../records/record.ts'
import type { Records } from '../records/records.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { ActRow, ActStore } from './act-store.ts'
import { type AskedAct, assertMay, type RevocableRecord, revocationConflict, stateOf } from './transitions.ts'

/** An administrative act, with the note that the record keeps. */
export type NotedAct = Act & { readonly reason: string }

/** Why, for good. */
export interface Grounds {
  readonly reason: FinalReason
  /** Since when the key may have been in other hands (RFC 5280, section 5.3.2). */
  readonly invalidityDate?: Date | undefined
}

export interface ActResult {
  readonly record: RevocableRecord
  /** False where it was so before: then nothing was written. */
  readonly isNew: boolean
  /** Lower-case hex SHA-256 of the SubjectPublicKeyInfo that is blocked, since the reason is keyCompromise. */
  readonly blockedKey?: string | undefined
}

/** A SHA-256 of a certificate, or the content octets of its serial number, each as octets. */
export type CertificateName = { readonly certificateId: Uint8Array } | { readonly serialNumber: Uint8Array }

/** The acts upon one certificate. docs/revocation.md has what each does in which state. */
export interface Revocation {
  /**
   * Takes a certificate out of use for good, also one that was begun and never recorded, since it may have been signed: then
   * nothing completes it. With keyCompromise its key is blocked first, for ever. The same again changes nothing.
   *
   * @param act with the note.
   * @throws MintlineError `issuance_not_found`; `revocation_conflict` for a refusal, and where it is revoked for another reason, or
   *   as of another time; `revocation_invalid` for a time that is still to come.
   */
  revoke(id: string, grounds: Grounds, act: NotedAct): Promise<ActResult>
  /** Takes it out of use until `unhold` or `revoke`. @throws MintlineError as `revoke`, and where it has ended. */
  hold(id: string, act: NotedAct): Promise<ActResult>
  /** Puts it back into use. Of what is not on hold and has not ended, changes nothing. @throws MintlineError as `hold`. */
  unhold(id: string, act: NotedAct): Promise<ActResult>
  /** Id of its record. @throws MintlineError `certificate_not_found`. */
  locate(name: CertificateName): Promise<string>
}

export interface RevocationDependencies {
  readonly store: ActStore
  readonly records: Pick<Records, 'find'>
  readonly blockedKeys: Pick<BlockedKeys, 'block'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createRevocation(dependencies: RevocationDependencies): Revocation {
  const { store, records } = dependencies

  async function perform(id: string, asked: AskedAct, act: NotedAct): Promise<ActResult> {
    const before = requireRevocable(await records.find(id))
    const isSame = assertMay(asked, before)
    // A crash after this leaves a key that is blocked and a certificate that is not revoked yet: the same again goes on.
    const blockedKey = asked.reason === 'keyCompromise' ? await blockKeyOf(dependencies, id, act) : undefined
    if (isSame) return { record: before, isNew: false, blockedKey }
    const { row, event } = describe(dependencies, { before, asked, act })
    const isNew = await store.insert(row, event)
    const record = requireRevocable(await records.find(id))
    // Somebody else did something to it at this moment.
    if (!isNew && !isSo(asked, record)) throw revocationConflict(asked, record, blockedKey)
    return { record, isNew, blockedKey }
  }

  return {
    async revoke(id, { reason, invalidityDate }, act) {
      assertPast(invalidityDate, dependencies.clock())
      return perform(id, { name: 'revoke', reason, invalidityDate }, act)
    },
    hold: (id, act) => perform(id, { name: 'hold', reason: 'certificateHold' }, act),
    unhold: (id, act) => perform(id, { name: 'unhold', reason: 'removeFromCRL' }, act),
    async locate(name) {
      const id =
        'serialNumber' in name
          ? await store.findBySerial(name.serialNumber)
          : await store.findByCertificateId(name.certificateId)
      if (id !== undefined) return id
      throw certificateNotFound(name)
    }
  }
}

/** Clocks of clients are not all set right. */
const toleranceMs = 60_000

/** @throws MintlineError `revocation_invalid` for a time that is still to come, at which nothing can have become known. */
export function assertPast(invalidityDate: Date | undefined, now: Date): void {
  if (invalidityDate === undefined || invalidityDate.getTime() <= now.getTime() + toleranceMs) return
  throw new MintlineError('revocation_invalid', 'The time has not come yet. Nothing was revoked.', {
    violations: [
      {
        pointer: '/invalidityDate',
        expected: `a time before ${now.toISOString()}`,
        found: invalidityDate.toISOString(),
        message: 'It is since when the key may have been in other hands (RFC 5280, section 5.3.2).'
      }
    ]
  })
}

export function certificateNotFound(name: CertificateName): MintlineError {
  const what = 'serialNumber' in name ? 'serial number' : 'certificate id'
  return new MintlineError(
    'certificate_not_found',
    `No certificate of this service has this ${what}. Compare it with GET /v1/issuances; a serial number is the hex of openssl x509 -serial, a certificate id the SHA-256 of the DER.`
  )
}

/** Whether somebody else did the same at this moment. */
function isSo(asked: AskedAct, record: RevocableRecord): boolean {
  try {
    return assertMay(asked, record)
  } catch (error) {
    if (!isMintlineError(error, 'revocation_conflict')) throw error
    return false
  }
}

async function blockKeyOf(
  { store, blockedKeys }: Pick<RevocationDependencies, 'store' | 'blockedKeys'>,
  id: string,
  act: NotedAct
): Promise<string | undefined> {
  const spkiSha256 = await store.findKey(id)
  if (spkiSha256 === undefined) return undefined
  await blockedKeys.block(
    { spkiSha256, reason: 'key_compromised', comment: act.reason, revokedNext: [id] },
    act
  )
  return Buffer.from(spkiSha256).toString('hex')
}

function requireRevocable(record: IssuanceRecord): RevocableRecord {
  if (record.outcome !== 'rejected') return record
  throw new MintlineError(
    'revocation_conflict',
    `The record ${record.id} is a refusal: nothing was issued, so there is nothing to take out of use.`
  )
}

interface Described {
  readonly before: RevocableRecord
  readonly asked: AskedAct
  readonly act: NotedAct
}

function describe(
  { clock, randomBytes }: Pick<RevocationDependencies, 'clock' | 'randomBytes'>,
  { before, asked, act }: Described
): { readonly row: ActRow; readonly event: AuditEvent } {
  const createdAt = clock()
  const { name, reason, invalidityDate } = asked
  const { id: intentId, serialNumber, authority } = before
  const row = {
    id: newId(createdAt, randomBytes),
    intentId,
    createdAt,
    actor: act.actor,
    act: name,
    reason,
    note: act.reason,
    invalidityDate: invalidityDate ?? null,
    orderId: null,
    requestId: act.requestId ?? null
  }
  const event = buildAuditEvent(
    {
      ...act,
      act: `issuance.${name}`,
      subject: `issuance/${intentId}`,
      before: { serialNumber, authority, ...stateOf(before) },
      after: {
        serialNumber,
        authority,
        state: name === 'revoke' ? 'revoked' : name === 'hold' ? 'held' : 'good',
        ...(name === 'revoke' && { revocationReason: reason }),
        ...(invalidityDate !== undefined && { invalidityDate: invalidityDate.toISOString() })
      }
    },
    { time: createdAt, randomBytes }
  )
  return { row, event }
}
