import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent, insertAuditEvents } from '../audit/audit-store.ts'
import { type Database, type Prisma, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import { assertNoneBlocked } from '../factory/blocked-keys/blocked-key-store.ts'
import type { SignerReference } from '../signing/signers/signer-reference.ts'
import type { PageQuery } from '../sources/page.ts'
import { type Compromise, insertCompromise } from './life-cycle/compromise-store.ts'
import { type IntentCount, intentCountOf, maximumIntentCount } from './life-cycle/intent-count.ts'
import type { AuthorityState } from './life-cycle/life-cycle.ts'
import {
  assertNoneOpen,
  type VoidedIntent,
  voidOpenIntents,
  type VoidOrder
} from './life-cycle/open-intents-store.ts'
import type { AuthorityPurpose } from './purpose.ts'

/** One generation of a line, with or without its certificate. */
export interface StoredGeneration {
  readonly id: string
  readonly name: string
  readonly line: string
  readonly generation: number
  readonly state: AuthorityState
  readonly purpose: AuthorityPurpose
  /** Null while it waits for one. */
  readonly certificateDer: Uint8Array | null
  /** The request for the certificate, where another CA issues it. */
  readonly csrDer: Uint8Array | null
  /** The certificates above it, nearest first. */
  readonly issuersDer: readonly Uint8Array[]
  readonly signer: SignerReference
  readonly createdAt: Date
}

/** A generation that has its certificate. */
export interface StoredAuthority extends Omit<StoredGeneration, 'certificateDer' | 'csrDer'> {
  readonly certificateDer: Uint8Array
}

/** A generation as it is made. */
export interface NewGeneration extends StoredGeneration {
  /** What its certificate was signed for; null where another tool or CA signs it. */
  readonly certificateIntentId: string | null
}

export interface CrossCertificate {
  readonly id: string
  /** What it was signed for. */
  readonly intentId: string
  readonly issuerId: string
  readonly subjectId: string
  readonly certificateDer: Uint8Array
  readonly createdAt: Date
}

/** What an administrative act writes; all of it or nothing. */
export interface AuthorityChange {
  readonly insert?: NewGeneration
  readonly crossCertificate?: CrossCertificate
  /** The certificate that a pending generation was waiting for; it becomes staged with it. */
  readonly certify?: Pick<StoredAuthority, 'id' | 'certificateDer' | 'issuersDer'>
  /** In this order: the one that stops being active goes before the one that becomes so. */
  readonly states?: readonly { readonly id: string; readonly state: AuthorityState }[]
  /** SHA-256 of the keys that the change brings into use. */
  readonly keys?: readonly Uint8Array[]
  /** The generation that must have no open intent: else `intents_open`. */
  readonly noneOpen?: Pick<StoredGeneration, 'id' | 'name'>
  /** The open intents of a generation that end with this, each with its event. */
  readonly voids?: VoidOrder & { readonly eventOf: (intent: VoidedIntent) => AuditEvent }
  /** Of a generation that becomes compromised with this. */
  readonly compromise?: Compromise
  readonly events: readonly AuditEvent[]
}

interface GenerationFilter extends Partial<PageQuery> {
  /** All of a line, or the one of that name: no line is named as a generation is. */
  readonly lineOrName?: string | undefined
}

export interface AuthorityStore {
  /** Every generation that has a certificate, oldest first. */
  list(): Promise<readonly StoredAuthority[]>
  /** Every generation there ever was, or those that are asked for, oldest first. */
  generations(filter?: GenerationFilter): Promise<readonly StoredGeneration[]>
  crossCertificates(): Promise<readonly CrossCertificate[]>
  /** How many intents name each of these generations, by its id. */
  countIntents(ids: readonly string[]): Promise<ReadonlyMap<string, IntentCount>>
  /** @throws MintlineError `intents_open`. */
  assertNoneOpen(generation: Pick<StoredGeneration, 'id' | 'name'>): Promise<void>
  /**
   * Decides on what every generation is at this moment and writes the outcome, with nobody changing an authority
   * and no intent being committed in between. So when it returns, no later intent names a generation that the
   * change took out of `active`. What `decide` throws is thrown, and nothing is written.
   *
   * @throws MintlineError `key_blocked` when one of the change's keys is.
   */
  change(decide: (generations: readonly StoredGeneration[]) => AuthorityChange): Promise<void>
}

type Client = Prisma.TransactionClient

export function createAuthorityStore(database: Database): AuthorityStore {
  const client = database.prisma
  return {
    async list() {
      return (await runQuery(() => findGenerations(client))).flatMap(generation => {
        const { certificateDer } = generation
        return certificateDer === null ? [] : [{ ...generation, certificateDer }]
      })
    },
    generations: filter => runQuery(() => findGenerations(client, filter)),
    crossCertificates: () => runQuery(() => client.crossCertificate.findMany({ orderBy: { id: 'asc' } })),
    async countIntents(ids) {
      const rows = await runQuery(() => countUpTo(client, ids, maximumIntentCount + 1))
      return new Map(rows.map(({ id, count }) => [id, intentCountOf(count)]))
    },
    assertNoneOpen: generation => runQuery(() => assertNoneOpen(client, generation)),
    async change(decide) {
      await runQuery(() =>
        client.$transaction(async transaction => {
          // The commit of an intent locks rows FOR SHARE, which overlapping commits could hold without a gap. The
          // table's lock queues: it waits for the commits under way, and later ones wait for it. Reads go on.
          await transaction.$executeRaw`LOCK TABLE authority IN EXCLUSIVE MODE`
          await apply(transaction, decide(await findGenerations(transaction)))
        }, transactionLimits)
      )
    }
  }
}

async function findGenerations(
  client: Client,
  { lineOrName, cursor, limit }: GenerationFilter = {}
): Promise<readonly StoredGeneration[]> {
  const rows = await client.authority.findMany({
    where: {
      ...(lineOrName !== undefined && { OR: [{ name: lineOrName }, { line: lineOrName }] }),
      ...(cursor !== undefined && { id: { gt: cursor } })
    },
    orderBy: { id: 'asc' },
    ...(limit !== undefined && { take: limit })
  })
  return rows.map(row => ({
    ...row,
    purpose: row.purpose as AuthorityPurpose,
    signer: row.signer as unknown as SignerReference
  }))
}

/** The index on the authority answers it alone; the limit keeps it from walking all of it. */
function countUpTo(client: Client, ids: readonly string[], limit: number) {
  return client.$queryRaw<{ readonly id: string; readonly count: number }[]>`
    SELECT named.id, (
      SELECT count(*)::int FROM (SELECT 1 FROM intent WHERE authority_id = named.id LIMIT ${limit}) AS counted
    ) AS count
    FROM unnest(${[...ids]}::uuid[]) AS named(id)`
}

async function apply(client: Client, change: AuthorityChange): Promise<void> {
  const {
    insert,
    crossCertificate,
    certify,
    states = [],
    keys = [],
    noneOpen,
    voids,
    compromise,
    events
  } = change
  await assertNoneBlocked(client, keys)
  if (noneOpen !== undefined) await assertNoneOpen(client, noneOpen)
  if (insert !== undefined) await client.authority.create({ data: toRow(insert) })
  if (certify !== undefined) {
    const { id, certificateDer, issuersDer } = certify
    const data = {
      state: 'staged',
      certificateDer: copy(certificateDer),
      issuersDer: issuersDer.map(copy)
    } as const
    await client.authority.update({ where: { id }, data })
  }
  for (const { id, state } of states) await client.authority.update({ where: { id }, data: { state } })
  if (crossCertificate !== undefined) {
    const certificateDer = copy(crossCertificate.certificateDer)
    await client.crossCertificate.create({ data: { ...crossCertificate, certificateDer } })
  }
  for (const event of events) await insertAuditEvent(client, event)
  if (voids !== undefined) {
    const voided = await voidOpenIntents(client, voids)
    await insertAuditEvents(client, voided.map(voids.eventOf))
  }
  if (compromise !== undefined) await insertCompromise(client, compromise)
}

function toRow({ certificateDer, csrDer, issuersDer, signer, ...rest }: NewGeneration) {
  return {
    ...rest,
    certificateDer: certificateDer && copy(certificateDer),
    csrDer: csrDer && copy(csrDer),
    issuersDer: issuersDer.map(copy),
    signer: { ...signer }
  }
}

/** Prisma's types want bytes over an ArrayBuffer of their own. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
