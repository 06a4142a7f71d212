import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

export interface KeyOnRecord {
  readonly issuanceId: string
  readonly spkiSha256: Uint8Array
  readonly csrDer: Uint8Array
}

/** What is told of a key that something is wrong with. */
export interface HolderOnRecord {
  readonly issuanceId: string
  /** Lower-case hex. */
  readonly spkiSha256: string
  readonly csrDer: Uint8Array
  readonly station: string
  readonly profile: string
  readonly requestedAt: Date
  /** Lower-case hex; null without a certificate on record. */
  readonly certificateId: string | null
  readonly thingName: string | null
  readonly isBlocked: boolean
}

export interface AuditStore {
  /** RSA keys, oldest first, some at a time; the same key again for each issuance of it. */
  readRsaKeys(): AsyncIterable<readonly KeyOnRecord[]>
  findHolders(issuanceIds: readonly string[]): Promise<readonly HolderOnRecord[]>
}

interface PageRow extends Omit<KeyOnRecord, 'csrDer'> {
  /** Null where it does not name rsaEncryption. */
  readonly csrDer: Uint8Array | null
}

const rowsOfPage = 2_000
const rowsOfLookup = 500
const firstId = '00000000-0000-0000-0000-000000000000'

export function createAuditStore({ prisma }: Database): AuditStore {
  const readPage = (after: string) =>
    runQuery(
      () => prisma.$queryRaw<PageRow[]>`
        SELECT id AS "issuanceId", spki_sha256 AS "spkiSha256",
          CASE WHEN position('\\x06092a864886f70d010101'::bytea IN csr_der) > 0 THEN csr_der END AS "csrDer"
        FROM intent WHERE id > ${after}::uuid ORDER BY id LIMIT ${rowsOfPage}`
    )

  const findSome = (issuanceIds: readonly string[]) =>
    runQuery(
      () => prisma.$queryRaw<HolderOnRecord[]>`
        SELECT intent.id AS "issuanceId", encode(intent.spki_sha256, 'hex') AS "spkiSha256",
          intent.csr_der AS "csrDer", intent.station, profile_version.name AS profile,
          intent.created_at AS "requestedAt", encode(issued.certificate_id, 'hex') AS "certificateId",
          issued.thing ->> 'thingName' AS "thingName",
          EXISTS (SELECT FROM blocked_key WHERE blocked_key.spki_sha256 = intent.spki_sha256) AS "isBlocked"
        FROM intent
        JOIN profile_version ON profile_version.id = intent.profile_version_id
        LEFT JOIN issued ON issued.intent_id = intent.id
        WHERE intent.id = ANY (${issuanceIds}::uuid[])`
    )

  return {
    async *readRsaKeys() {
      for (let after = firstId; ;) {
        const page = await readPage(after)
        yield page.flatMap(({ csrDer, ...row }) => (csrDer === null ? [] : [{ ...row, csrDer }]))
        const last = page.at(-1)
        if (last === undefined || page.length < rowsOfPage) return
        after = last.issuanceId
      }
    },
    async findHolders(issuanceIds) {
      const holders: HolderOnRecord[] = []
      for (let at = 0; at < issuanceIds.length; at += rowsOfLookup)
        holders.push(...(await findSome(issuanceIds.slice(at, at + rowsOfLookup))))
      return holders
    }
  }
}
