import { type StoredToken, toRow } from '../access/token/token-store.ts'
import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import type { NewGeneration, StoredAuthority } from '../authorities/authority-store.ts'
import type { Database, Prisma } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { Station } from '../factory/stations/station.ts'
import { insertStation } from '../factory/stations/station-store.ts'
import type { ProfileVersion } from '../profiles/version.ts'

export type StarterAuthority = StoredAuthority & Pick<NewGeneration, 'certificateIntentId'>

export interface StarterSet {
  readonly authority: StarterAuthority
  readonly profile: ProfileVersion
  readonly station: Station
  readonly tokens: readonly StoredToken[]
  readonly event: AuditEvent
}

export interface StarterStore {
  /**
   * On a database without authority, profile and token, keeps what `make` gives, all of it or nothing; one process at a
   * time, so that `make` runs once however many start at once. `make` may use a second connection. False where there
   * was something already.
   */
  insertOnce(make: () => Promise<StarterSet>): Promise<boolean>
}

/** Ours alone among the users of the database. */
const advisoryLockKey = 0x73746172
/** Keys are made inside, and another process may be at it. */
const transactionTimeoutMs = 30_000

export function createStarterStore(database: Database): StarterStore {
  return {
    insertOnce: make =>
      runQuery(() =>
        database.prisma.$transaction(
          async transaction => {
            await transaction.$executeRaw`SELECT pg_advisory_xact_lock(${advisoryLockKey})`
            const counts = [
              await transaction.authority.count(),
              await transaction.profileVersion.count(),
              await transaction.token.count()
            ]
            if (counts.some(count => count > 0)) return false
            await insert(transaction, await make())
            return true
          },
          { timeout: transactionTimeoutMs, maxWait: transactionTimeoutMs }
        )
      )
  }
}

async function insert(
  transaction: Prisma.TransactionClient,
  { authority, profile, station, tokens, event }: StarterSet
): Promise<void> {
  const document = profile.document as object
  const templateSha256 = Uint8Array.from(Buffer.from(profile.templateSha256, 'hex'))
  await transaction.authority.create({
    data: {
      ...authority,
      certificateDer: new Uint8Array(authority.certificateDer),
      issuersDer: authority.issuersDer.map(der => new Uint8Array(der)),
      signer: { ...authority.signer }
    }
  })
  await transaction.profileVersion.create({ data: { ...profile, document, templateSha256 } })
  await insertStation(transaction, station)
  await transaction.token.createMany({ data: tokens.map(toRow) })
  await insertAuditEvent(transaction, event)
}
