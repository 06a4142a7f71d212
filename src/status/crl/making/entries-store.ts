import type { Database } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { RevokedCertificate } from '../../../pki/revocation/list/entries.ts'
import type { RevocationReason } from '../../../pki/revocation/reason.ts'
import type { SerialRange } from '../../../pki/revocation/shard.ts'
import { endedBesides, endOfStatus } from '../../ended-store.ts'

export interface EntryQuery {
  readonly authorityId: string
  /** Of a shard: its serial numbers alone. */
  readonly range?: SerialRange | undefined
  /** What ends by then has ended. */
  readonly at: Date
  /** The serial number of the last entry before. */
  readonly after: Uint8Array
  readonly limit: number
}

/** An entry as it is read. */
export interface ReadEntry extends RevokedCertificate {
  /** It is over by the clock alone so far: were that set back, it would not be. */
  readonly isByClock: boolean
}

interface EntryRow {
  readonly serialNumber: Uint8Array
  readonly revocationDate: Date
  readonly reason: RevocationReason
  readonly isByClock: boolean
  readonly invalidityDate: Date | null
}

/** What is revoked or on hold of an authority's certificates. The status of devices stays where a month is detached. */
export async function readEntries(
  prisma: Database['prisma'],
  { authorityId, range, at, after, limit }: EntryQuery
): Promise<readonly ReadEntry[]> {
  const cursor = new Uint8Array(after)
  const [from, until] =
    range === undefined ? [new Uint8Array(), null] : [new Uint8Array(range.from), new Uint8Array(range.until)]
  const rows = await runQuery(
    () => prisma.$queryRaw<EntryRow[]>`
    SELECT serial_number AS "serialNumber", since AS "revocationDate", reason, invalidity_date AS "invalidityDate",
      is_over AS "isByClock" FROM (
      (
        SELECT serial_number, ended.since, ended.reason, ended.invalidity_date, ended.is_over
        FROM certificate_status, ${endOfStatus(Prisma.sql`${at.toISOString()}::timestamptz`)}
        WHERE authority_id = ${authorityId}::uuid AND serial_number > ${cursor}::bytea
          AND serial_number >= ${from}::bytea AND (${until}::bytea IS NULL OR serial_number < ${until}::bytea)
        ORDER BY serial_number LIMIT ${limit}
      )
      UNION ALL (
        SELECT serial_number, since, reason, NULL, false FROM ${endedBesides} AS besides
        WHERE ${until}::bytea IS NULL AND authority_id = ${authorityId}::uuid AND serial_number > ${cursor}::bytea
        ORDER BY serial_number LIMIT ${limit}
      )
    ) AS told
    ORDER BY serial_number LIMIT ${limit}`
  )
  return rows.map(({ invalidityDate, ...row }) => ({ ...row, invalidityDate: invalidityDate ?? undefined }))
}
