import { randomBytes } from 'node:crypto'
import type { Database } from '../../../../src/database/database.ts'
import { refusalColumns } from '../../../../src/records/record-model.ts'
import { createRefusalStore } from '../../../../src/records/refusal-store.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { nullsOf } from '../../nulls.ts'

export interface RefusalSayings {
  readonly createdAt: Date
  readonly station?: string
  readonly commonName: string
  readonly lot?: string
  readonly profile?: string
}

/** On record as the issuance path writes them. @returns their ids. */
export async function writeRefusals(
  database: Database,
  credential: string,
  refusals: readonly RefusalSayings[]
): Promise<readonly string[]> {
  const rows = refusals.map(
    ({ createdAt, station = 'station-1', commonName, lot = null, profile = 'starter' }) => ({
      ...nullsOf(refusalColumns),
      ...{ id: newId(createdAt, size => randomBytes(size)), createdAt, station, credential },
      ...{ lot, metadata: {}, stationSubject: { CommonName: commonName } },
      ...{
        code: 'subject_refused' as const,
        detail: 'Refused.',
        violations: []
      },
      ...{
        csr: randomBytes(300),
        profile,
        profileVersion: 1,
        authority: 'starter-g1'
      },
      ...{ requestId: 'test' }
    })
  )
  await createRefusalStore(database).commit(rows)
  return rows.map(({ id }) => id)
}
