import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { createMakingStore } from '../../src/status/crl/making/making-store.ts'
import { createStatusStore } from '../../src/status/ocsp/status-store.ts'

/**
 * Holds what OCSP says of each certificate against what a CRL of the generation would say at this moment.
 *
 * @returns the reason of each, by the hex of its serial number.
 */
export async function expectAgreement(
  database: Database,
  authorityId: string
): Promise<ReadonlyMap<string, string>> {
  const at = new Date()
  const query = { authorityId, at, after: new Uint8Array(), limit: 1_000 }
  const entries = await createMakingStore(database).readEntries(query)
  const asked = entries.map(({ serialNumber }) => ({ authorityId, serialNumber, at }))
  const statuses = await createStatusStore(database).find(asked)
  expect(statuses.map(({ until: _until, ...status }) => status)).toEqual(
    entries.map(({ revocationDate, reason, invalidityDate }) => ({
      state: 'revoked',
      at: revocationDate,
      reason,
      invalidityDate
    }))
  )
  return new Map(
    entries.map(({ serialNumber, reason }) => [Buffer.from(serialNumber).toString('hex'), reason])
  )
}
