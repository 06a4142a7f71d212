import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvents } from '../../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation,
  type Prisma,
  transactionLimits
} from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { isEqual } from '../../pki/der/octets.ts'
import { timeOfIdentifier } from '../../sources/identifier.ts'
import type { PageQuery } from '../../sources/page.ts'
import { authorityKeyBlocked, type BlockedKey, type BlockedReason, type CertifiedUse } from './blocked-key.ts'

export interface BlockedKeyQuery extends PageQuery {
  readonly spkiSha256?: Uint8Array
  readonly reason?: BlockedReason
}

/** What became of a block. */
export interface BlockOutcome {
  /** As it is on the list: of who came first. */
  readonly key: BlockedKey
  readonly isNew: boolean
  readonly uses: readonly CertifiedUse[]
  /** As `2026-01`: months that were detached, in which there may be others. */
  readonly detachedMonths: readonly string[]
}

export interface BlockedKeyStore {
  find(spkiSha256: Uint8Array): Promise<BlockedKey | undefined>
  /** Those that are on the list, of any number. */
  findAll(spkiSha256s: readonly Uint8Array[]): Promise<readonly BlockedKey[]>
  /** Newest first. */
  list(query: BlockedKeyQuery): Promise<readonly BlockedKey[]>
  /** What was certified with the keys, newest first; not more than a hundred. */
  findUses(spkiSha256s: readonly Uint8Array[]): Promise<readonly CertifiedUse[]>
  /** Where there may be others of the key, as `2026-01`. */
  findDetachedMonths(spkiSha256: Uint8Array): Promise<readonly string[]>
  /**
   * Puts keys on the list, ends their open intents, and inserts their events, in one transaction. When it returns, no
   * certificate of them is on record that is not among the uses, and none will be, whichever process issues; but for
   * the intents of `revokedNext`, as long as they are not revoked.
   */
  block(blocks: readonly Block[]): Promise<readonly BlockOutcome[]>
}

/** A key as it goes on the list. */
export interface Block {
  readonly key: BlockedKey
  /** Open intents that who blocks it revokes after that, which ends them: they do not become void. */
  readonly revokedNext?: readonly string[] | undefined
  /** Its events, if it was not on the list before. */
  readonly eventsOf: (found: Pick<BlockOutcome, 'uses' | 'detachedMonths'>) => readonly AuditEvent[]
}

type Client = Prisma.TransactionClient

const maximumTries = 8

export function createBlockedKeyStore(database: Database): BlockedKeyStore {
  const client = database.prisma

  async function blockTogether(blocks: readonly Block[]): Promise<readonly BlockOutcome[]> {
    return client.$transaction(async transaction => {
      const data = blocks.map(({ key }) => ({ ...key, spkiSha256: copy(key.spkiSha256) }))
      // Waits for the intents that are being committed; later ones wait for this transaction, and see the blocks.
      const inserted = await transaction.blockedKey.createManyAndReturn({ data, skipDuplicates: true })
      const newIds = new Set(inserted.map(({ id }) => id))
      const digests = blocks.map(({ key }) => key.spkiSha256)
      const listed = new Map((await findAll(transaction, digests)).map(key => [toHex(key.spkiSha256), key]))
      const usesOf = await findUsesOfEach(transaction, digests)
      const detachedOf = await findDetachedOfEach(transaction, digests)
      const found = blocks.map(block => ({
        ...block,
        isNew: newIds.has(block.key.id),
        uses: usesOf(block.key.spkiSha256).map(use => leaveToRevocation(use, block.revokedNext)),
        detachedMonths: detachedOf(block.key.spkiSha256)
      }))
      await followBlocks(
        transaction,
        found.filter(({ isNew }) => isNew)
      )
      return found.map(({ key, isNew, uses, detachedMonths }) => {
        return { key: listed.get(toHex(key.spkiSha256))!, isNew, uses, detachedMonths }
      })
    }, transactionLimits)
  }

  return {
    find: spkiSha256 => runQuery(() => findKey(client, spkiSha256)),
    findAll: spkiSha256s => runQuery(() => findAll(client, spkiSha256s)),
    list: ({ spkiSha256, reason, cursor, limit }) =>
      runQuery(async () => {
        const where = {
          ...(spkiSha256 !== undefined && { spkiSha256: copy(spkiSha256) }),
          ...(reason !== undefined && { reason }),
          ...(cursor !== undefined && { id: { lt: cursor } })
        }
        const rows = await client.blockedKey.findMany({ where, orderBy: { id: 'desc' }, take: limit })
        return rows.map(toBlockedKey)
      }),
    findUses: spkiSha256s =>
      runQuery(async () => (await selectUses(client, spkiSha256s)).slice(0, mostUses).map(toUse)),
    findDetachedMonths: spkiSha256 =>
      runQuery(async () => (await findDetachedOfEach(client, [spkiSha256]))(spkiSha256)),
    block: blocks =>
      runQuery(async () => {
        for (let tries = 1; ; tries++) {
          try {
            return await blockTogether(blocks)
          } catch (error) {
            const isLostRace =
              isRefusedByGuard(error) || isUniqueViolation(error) || isSerializationOrDeadlock(error)
            if (!isLostRace || tries === maximumTries) throw error
          }
        }
      })
  }
}

interface NewBlock extends Block {
  readonly uses: readonly CertifiedUse[]
  readonly detachedMonths: readonly string[]
}

/** As many statements for many as for one, since issuing waits until the transaction is over. */
async function followBlocks(client: Client, blocks: readonly NewBlock[]): Promise<void> {
  await voidOpen(client, blocks)
  await insertAuditEvents(
    client,
    blocks.flatMap(({ eventsOf, uses, detachedMonths }) => eventsOf({ uses, detachedMonths }))
  )
}

/**
 * Open intents become void: nobody has their certificates, and their devices are free for a new key. One that is being
 * recorded, or declared void, at this moment makes the transaction fail, and the next try sees what became of it. One that
 * is revoked is completed by nobody as it is, and its device waits for who decides about it.
 */
async function voidOpen(client: Client, blocks: readonly NewBlock[]): Promise<void> {
  const data = blocks.flatMap(({ key: { createdAt, actor, reason }, uses }) =>
    uses
      .filter(({ isOpen }) => isOpen)
      .map(({ issuanceId: intentId }) => ({ intentId, createdAt, actor, reason: `key blocked: ${reason}` }))
  )
  if (data.length > 0) await client.void.createMany({ data })
}

const leaveToRevocation = (use: CertifiedUse, revokedNext: readonly string[] = []): CertifiedUse =>
  revokedNext.includes(use.issuanceId) ? { ...use, isOpen: false } : use

/**
 * For a transaction that brings CA keys into use. Until it ends no key is blocked.
 *
 * @param spkiSha256s of the authority's own key first, then of the CAs above it.
 * @throws MintlineError `key_blocked`.
 */
export async function assertNoneBlocked(client: Client, spkiSha256s: readonly Uint8Array[]): Promise<void> {
  if (spkiSha256s.length === 0) return
  // The lock of intents: see key_may_be_certified.
  await client.$executeRaw`SELECT pg_advisory_xact_lock_shared(x'6d696e74'::int, x'626c6f63'::int)`
  const [key] = await findAll(client, spkiSha256s)
  if (key !== undefined) throw authorityKeyBlocked(key, isEqual(key.spkiSha256, spkiSha256s[0]!))
}

type BlockedKeyRow = Omit<BlockedKey, 'reason'> & { readonly reason: string }

async function findKey(client: Client, spkiSha256: Uint8Array): Promise<BlockedKey | undefined> {
  const row = await client.blockedKey.findUnique({ where: { spkiSha256: copy(spkiSha256) } })
  return row === null ? undefined : toBlockedKey(row)
}

function toBlockedKey(row: BlockedKeyRow): BlockedKey {
  return { ...row, reason: row.reason as BlockedReason }
}

async function findAll(client: Client, spkiSha256s: readonly Uint8Array[]): Promise<readonly BlockedKey[]> {
  const rows = await client.$queryRaw<BlockedKeyRow[]>`
    SELECT
      id, spki_sha256 AS "spkiSha256", reason, comment, actor, request_id AS "requestId", created_at AS "createdAt"
    FROM blocked_key WHERE spki_sha256 = ANY(${spkiSha256s.map(copy)})`
  return rows.map(toBlockedKey)
}

/** How many are told of one key. */
const mostUses = 100

interface UseRow extends CertifiedUse {
  readonly spkiSha256: Uint8Array
}

/** A key is its device's, which may have come back with it, or with another one. */
function selectUses(client: Client, spkiSha256s: readonly Uint8Array[]): PromiseLike<readonly UseRow[]> {
  return client.$queryRaw<UseRow[]>`
    SELECT use.*
    FROM unnest(${spkiSha256s.map(copy)}::bytea[]) AS asked(spki_sha256)
    CROSS JOIN LATERAL (
      SELECT
        intent.spki_sha256 AS "spkiSha256", intent.id AS "issuanceId",
        encode(intent.serial_number, 'hex') AS "serialNumber",
        encode(issued.certificate_id, 'hex') AS "certificateId", intent.station, intent.created_at AS "requestedAt",
        EXISTS (SELECT FROM open_intent WHERE open_intent.intent_id = intent.id)
          AND NOT EXISTS (SELECT FROM revocation_act WHERE revocation_act.intent_id = intent.id) AS "isOpen",
        EXISTS (SELECT FROM certificate_status AS standing WHERE standing.intent_id = intent.id AND standing.state = 'revoked')
          AS "isRevoked"
      FROM (
        SELECT DISTINCT certified_device.intent_id FROM certified_key
        JOIN certified_device ON certified_device.device_sha256 = certified_key.device_sha256
        WHERE certified_key.spki_sha256 = asked.spki_sha256
      ) AS held
      JOIN intent ON intent.id = held.intent_id AND intent.spki_sha256 = asked.spki_sha256
      LEFT JOIN issued ON issued.intent_id = intent.id
      ORDER BY intent.id DESC LIMIT ${mostUses}
    ) AS use
    ORDER BY use."issuanceId" DESC`
}

async function findUsesOfEach(client: Client, spkiSha256s: readonly Uint8Array[]) {
  const byKey = Map.groupBy(await selectUses(client, spkiSha256s), ({ spkiSha256 }) => toHex(spkiSha256))
  return (spkiSha256: Uint8Array): readonly CertifiedUse[] => byKey.get(toHex(spkiSha256))?.map(toUse) ?? []
}

/** A device's certificates that are not there: which of its keys each is of, their month alone could tell. */
async function findDetachedOfEach(client: Client, spkiSha256s: readonly Uint8Array[]) {
  const rows = await client.$queryRaw<{ spkiSha256: Uint8Array; issuanceId: string }[]>`
    SELECT key.spki_sha256 AS "spkiSha256", held.intent_id::text AS "issuanceId"
    FROM certified_key AS key JOIN certified_device AS held ON held.device_sha256 = key.device_sha256
    WHERE EXISTS (SELECT FROM detached_month) AND key.spki_sha256 = ANY(${spkiSha256s.map(copy)}::bytea[])
      AND NOT EXISTS (SELECT FROM intent WHERE intent.id = held.intent_id)
    ORDER BY held.intent_id DESC`
  const byKey = Map.groupBy(rows, ({ spkiSha256 }) => toHex(spkiSha256))
  return (spkiSha256: Uint8Array): readonly string[] => {
    const ids = byKey.get(toHex(spkiSha256))?.map(({ issuanceId }) => issuanceId) ?? []
    return [...new Set(ids.map(id => timeOfIdentifier(id).toISOString().slice(0, 7)))]
  }
}

function toUse({ spkiSha256: _key, ...use }: UseRow): CertifiedUse {
  return use
}

/** Prisma's types want bytes over an ArrayBuffer of their own. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
