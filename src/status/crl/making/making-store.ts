import type { AuthorityState } from '../../../authorities/life-cycle/life-cycle.ts'
import {
  type Database,
  isRefusedByGuard,
  isUniqueViolation,
  transactionLimits
} from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { type Durable, vouchDurable } from '../../../signing/durable.ts'
import { firstIdentifierOf } from '../../../sources/identifier.ts'
import { readChunk } from '../crl-store.ts'
import { type ListState, newestColumns, newestLists, type StateRow, toState } from '../list-state-store.ts'
import type { CrlScope } from '../scope.ts'
import { type EntryQuery, readEntries, type ReadEntry } from './entries-store.ts'
import type { PredecessorSource, StoredBase } from './list-cursor.ts'

/** A CRL before it is signed. */
interface CrlIntent extends CrlScope {
  readonly id: string
  readonly number: number
  readonly createdAt: Date
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  /** Those that no later CRL leaves out: all but those on hold, and those that are over by the clock alone so far. */
  readonly finalEntries: number
  /** Of a delta: the number of the complete one that it is of. */
  readonly baseNumber?: number | undefined
  /** Of a complete one: where it says that its deltas are. */
  readonly freshestCrl?: string | undefined
  /** Of a shard: the addresses by which it says that certificates name it, with a space between them. */
  readonly distributionPoint?: string | null
  readonly tbsDer: Uint8Array
  readonly tbsSha256: Uint8Array
}

interface SignedCrl {
  readonly intentId: string
  readonly signedAt: Date
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** Of all of it. */
  readonly octets: number
  readonly sha256: Uint8Array
}

/** Of all certificates of an authority. */
export interface CrlState extends ListState {
  readonly authorityId: string
  /** At this moment, whatever this process has heard of so far. */
  readonly authorityState: AuthorityState
  /** Something has ended by itself since the newer one of them. */
  readonly hasEnded: boolean
  /** Of a compromised generation whose key is to sign a last CRL: `waiting` until all that it issued is revoked. */
  readonly lastCrl: 'none' | 'waiting' | 'due'
}

export interface MakingStore extends PredecessorSource {
  /** Of every authority, of its complete CRL. */
  listStates(at: Date): Promise<readonly CrlState[]>
  /** Ids of changes that its CRL does not say, those first that were first: 50,000 at most. */
  listChanges(scope: CrlScope): Promise<readonly string[]>
  /**
   * Takes a number above all that CRLs of this scope have had: the milliseconds of the clock, or the next one. A crash after
   * this leaves a number that no CRL has.
   */
  takeNumber(scope: CrlScope, takenAt: Date): Promise<number>
  /** In the order of their serial numbers. */
  readEntries(query: EntryQuery): Promise<readonly ReadEntry[]>
  /** A crash after this leaves octets of no intent, which `prune` takes away. */
  writeChunk(intentId: string, position: number, octets: Uint8Array): Promise<void>
  /**
   * Its chunks are there.
   *
   * @returns undefined where a later number is taken, so that who has it reads what this one may have missed; or where the
   * authority is compromised and this is not its last one. Nobody declares it so meanwhile.
   */
  insert(intent: CrlIntent): Promise<Durable<CrlIntent> | undefined>
  /**
   * From then on it is the CRL, unless there is one of a later number; the changes are said.
   *
   * @returns false where the authority was compromised meanwhile: then it is not on record.
   */
  record(signed: SignedCrl, changes: readonly string[]): Promise<boolean>
  /** Of an authority whose CRL says nothing any more: 50,000 at most. */
  dropChanges(authorityId: string): Promise<void>
  /**
   * Takes away octets of CRLs that others have replaced before `before`, and of what was not signed by then: some 50 MiB at most.
   *
   * @returns whether there may be more of them.
   */
  prune(before: Date): Promise<boolean>
}

const maximumChanges = 50_000
const chunksAtOnce = 200
const numberTries = 20

export function createMakingStore({ prisma }: Database): MakingStore {
  return {
    listStates: at => listStates(prisma, at),
    listChanges: scope => listChanges(prisma, scope),
    findPredecessor: scope => findNewestIntent(prisma, scope, null),
    findDelta: (scope, baseNumber) => findNewestIntent(prisma, scope, BigInt(baseNumber)),
    readChunk: (intentId, position) => readChunk(prisma, intentId, position),
    takeNumber: (scope, takenAt) => takeNumber(prisma, scope, takenAt),
    readEntries: query => readEntries(prisma, query),
    async writeChunk(intentId, position, octets) {
      await runQuery(
        () =>
          prisma.$executeRaw`INSERT INTO crl_chunk (intent_id, position, octets) VALUES (${intentId}::uuid, ${position}, ${octets})`
      )
    },
    async insert(intent) {
      const { tbsDer, ...rest } = intent
      const data = {
        ...rest,
        number: BigInt(intent.number),
        freshestCrl: intent.freshestCrl ?? null,
        baseNumber: intent.baseNumber === undefined ? null : BigInt(intent.baseNumber),
        tbsOctets: tbsDer.length,
        tbsSha256: new Uint8Array(intent.tbsSha256)
      }
      const isIn = await runQuery(async () => {
        try {
          await prisma.crlIntent.create({ data })
          return true
        } catch (error) {
          if (isLost(error)) return false
          throw error
        }
      })
      return isIn ? vouchDurable(intent) : undefined
    },
    record: (signed, changes) => record(prisma, signed, changes),
    async dropChanges(authorityId) {
      await runQuery(
        () => prisma.$executeRaw`
          DELETE FROM crl_change WHERE id IN (
            SELECT id FROM crl_change WHERE authority_id = ${authorityId}::uuid ORDER BY id LIMIT ${maximumChanges}
          )`
      )
    },
    prune: before => prune(prisma, before)
  }
}

const isLost = (error: unknown) => isRefusedByGuard(error) || isUniqueViolation(error)

type Client = Database['prisma']

async function listStates(prisma: Client, at: Date): Promise<readonly CrlState[]> {
  const rows = await runQuery(
    () => prisma.$queryRaw<StateRow<CrlState>[]>`
          SELECT scope.authority_id::text AS "authorityId", scope.state AS "authorityState", ${newestColumns},
            EXISTS (SELECT FROM crl_change WHERE authority_id = scope.authority_id AND shards = 0) AS "hasChanges",
            EXISTS (
              SELECT FROM certificate_status
              WHERE authority_id = scope.authority_id AND certificate_status.state <> 'revoked' AND ends_at <= ${at.toISOString()}::timestamptz
                AND ends_at > coalesce(delta.created_at, newest.created_at)
            ) AS "hasEnded",
            CASE WHEN compromise.last_crl IS NOT TRUE THEN 'none' WHEN ordered.finished_at IS NULL THEN 'waiting' ELSE 'due' END
              AS "lastCrl"
          FROM (SELECT id AS authority_id, 0 AS shards, 0 AS shard, state FROM authority) AS scope
          LEFT JOIN authority_compromise AS compromise ON compromise.authority_id = scope.authority_id
          LEFT JOIN revocation_order AS ordered ON ordered.id = compromise.order_id
          ${newestLists}`
  )
  return rows.map(row => toState(row))
}

async function listChanges(
  prisma: Client,
  { authorityId, shards, shard }: CrlScope
): Promise<readonly string[]> {
  const rows = await runQuery(
    () => prisma.$queryRaw<{ id: string }[]>`
          SELECT id::text FROM crl_change
          WHERE authority_id = ${authorityId}::uuid AND shards = ${shards} AND shard = ${shard} ORDER BY id LIMIT ${maximumChanges}`
  )
  return rows.map(({ id }) => id)
}

function record(prisma: Client, signed: SignedCrl, changes: readonly string[]): Promise<boolean> {
  const signature = new Uint8Array(signed.signature)
  const data = { ...signed, signature, sha256: new Uint8Array(signed.sha256) }
  return runQuery(async () => {
    try {
      await prisma.$transaction(async transaction => {
        await transaction.crl.create({ data })
        await transaction.$executeRaw`DELETE FROM crl_change WHERE id = ANY (${[...changes]}::bigint[])`
      }, transactionLimits)
      return true
    } catch (error) {
      if (isRefusedByGuard(error)) return false
      throw error
    }
  })
}

/** @param baseNumber null: the newest complete one; else the newest delta of that. */
async function findNewestIntent(
  prisma: Client,
  { authorityId, shards, shard }: CrlScope,
  baseNumber: bigint | null
): Promise<StoredBase | undefined> {
  const found = await runQuery(() =>
    prisma.crlIntent.findFirst({
      where: { authorityId, shards, shard, baseNumber, crl: { isNot: null } },
      orderBy: { number: 'desc' },
      select: {
        ...{ id: true, number: true, nextUpdate: true, distributionPoint: true },
        ...{ tbsOctets: true, tbsSha256: true }
      }
    })
  )
  if (found === null) return undefined
  const { id: intentId, number, ...rest } = found
  return { intentId, number: Number(number), ...rest }
}

function takeNumber(
  prisma: Client,
  { authorityId, shards, shard }: CrlScope,
  takenAt: Date
): Promise<number> {
  return runQuery(async () => {
    for (let tries = 1; ; tries++) {
      try {
        const [row] = await prisma.$queryRaw<{ number: bigint }[]>`
          INSERT INTO crl_number (authority_id, shards, shard, number, taken_at)
          SELECT ${authorityId}::uuid, ${shards}::int, ${shard}::int, greatest(coalesce(max(number) + 1, 1), ${takenAt.getTime()}::bigint),
            ${takenAt.toISOString()}::timestamptz
          FROM crl_number
          WHERE authority_id = ${authorityId}::uuid AND shards = ${shards}::int AND shard = ${shard}::int
          RETURNING number`
        return Number(row!.number)
      } catch (error) {
        // Another process took one at this moment.
        if (!isLost(error) || tries === numberTries) throw error
      }
    }
  })
}

async function prune(prisma: Client, before: Date): Promise<boolean> {
  // Ids begin with the time. The newest CRL of each authority stays, however old; what replaced another did so long ago.
  const pruned = await runQuery(
    () => prisma.$executeRaw`
          DELETE FROM crl_chunk WHERE (intent_id, position) IN (
            SELECT chunk.intent_id, chunk.position FROM crl_chunk AS chunk
            LEFT JOIN crl_intent ON crl_intent.id = chunk.intent_id
            LEFT JOIN crl ON crl.intent_id = chunk.intent_id
            WHERE chunk.intent_id < ${firstIdentifierOf(before)}::uuid AND (
              crl.intent_id IS NULL
              OR EXISTS (
                SELECT FROM crl_intent AS later JOIN crl AS later_crl ON later_crl.intent_id = later.id
                WHERE later.authority_id = crl_intent.authority_id AND later.shards = crl_intent.shards
                  AND later.shard = crl_intent.shard AND later.number > crl_intent.number
                  AND (later.base_number IS NULL) = (crl_intent.base_number IS NULL)
                  AND later_crl.signed_at < ${before.toISOString()}::timestamptz
              )
            )
            LIMIT ${chunksAtOnce}
          )`
  )
  return pruned === chunksAtOnce
}
