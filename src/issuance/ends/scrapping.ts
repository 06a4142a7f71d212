import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type IssuanceRecord, type IssuedRecord, stateOf } from '../../records/record.ts'
import type { Records } from '../../records/records.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { ScrapStore } from './scrap-store.ts'

export interface Scrapping {
  /**
   * Says that the device of a certificate is no more: the certificate is handed out no more, the device gets no other,
   * and its place in the lot is free. Where the profile allows a device several, that certificate alone is no more. The
   * same again changes nothing.
   *
   * @param act with its reason.
   * @returns the record.
   * @throws MintlineError `issuance_not_found`; `issuance_not_scrappable` for what was not issued, and where the device has
   *   a later issuance: then it is that one which counts.
   */
  scrap(id: string, act: Act & { readonly reason: string }): Promise<IssuedRecord>
}

export interface ScrappingDependencies {
  readonly store: ScrapStore
  readonly records: Pick<Records, 'find'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createScrapping({ store, records, clock, randomBytes }: ScrappingDependencies): Scrapping {
  return {
    async scrap(id, act) {
      const before = requireIssued(await records.find(id))
      if (before.scrap !== undefined) return before
      const time = clock()
      const { serialNumber, authority, profile, station, lot } = before
      const facts = { serialNumber, authority, profile, station, lot }
      const what: ToldAct = {
        ...act,
        act: 'issuance.scrap',
        subject: `issuance/${id}`,
        before: { ...facts, state: stateOf(before), scrapped: false },
        // Whatever it was before: what is scrapped counts as revoked.
        after: { state: 'revoked', scrapped: true }
      }
      const event = buildAuditEvent(what, { time, randomBytes })
      const row = { intentId: id, createdAt: time, actor: act.actor, note: act.reason }
      const { laterId } = await store.insert(row, event)
      if (laterId !== undefined) throw notLatest(id, laterId)
      return requireIssued(await records.find(id))
    }
  }
}

function requireIssued(record: IssuanceRecord): IssuedRecord {
  if (record.outcome === 'issued') return record
  throw new MintlineError('issuance_not_scrappable', `The record ${record.id} is ${reasonOf(record)}`)
}

function notLatest(id: string, laterId: string): MintlineError {
  return new MintlineError(
    'issuance_not_scrappable',
    `In the place of ${id} its device has a later issuance, ${laterId}. Scrap that one: POST /v1/issuances/${laterId}/scrap.`,
    { members: { laterIssuance: laterId } }
  )
}

function reasonOf({ id, outcome }: Exclude<IssuanceRecord, IssuedRecord>): string {
  switch (outcome) {
    case 'unknown':
      return `open: nothing is recorded as issued. End it with POST /v1/issuances/${id}/void, which frees its place in the lot as well.`
    case 'rejected':
      return 'a refusal: nothing was issued, and no place is taken.'
    case 'void':
      return 'void: no place is taken for it, and there is no certificate to end.'
  }
}
