import { createHash } from 'node:crypto'
import { setImmediate as giveWay } from 'node:timers/promises'
import type { Authority } from '../../../authorities/authority.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { lintTbsCertList } from '../../../pki/revocation/list/list-lint.ts'
import { frameCertificateList, type ListHead } from '../../../pki/revocation/list/tbs-cert-list.ts'
import { judgeInSteps } from '../../../signing/judgement.ts'
import { signDurableList } from '../../../signing/sign-durable.ts'
import type { Signer } from '../../../signing/signers/signer.ts'
import type { Clock } from '../../../sources/clock.ts'
import { newId, timeOfIdentifier } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { type CrlPart, crlPath, type CrlScope, lastNextUpdate } from '../scope.ts'
import type { CrlKind, CrlPeriods } from './due.ts'
import type { StoredBase } from './list-cursor.ts'
import type { MakingStore } from './making-store.ts'
import type { ShardStore } from './shard-store.ts'
import { buildTbs, type BuiltTbs } from './tbs.ts'

export interface MakingDependencies {
  readonly store: MakingStore
  readonly shards: ShardStore
  readonly periods: Pick<CrlPeriods, 'validityMs'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn'>
}

/** What is about to be made. */
export interface CrlOrder {
  readonly authority: Authority
  readonly part: CrlPart
  readonly signer: Pick<Signer, 'sign' | 'signatureAlgorithm'>
  /** Whether no other is to follow: of a compromised authority all of whose certificates are revoked. */
  readonly isLast?: boolean
  /** A delta is made of the newest complete one. Default: complete. */
  readonly kind?: CrlKind
  /** What a complete one says of where its deltas are. */
  readonly freshestCrl?: string | undefined
}

/** What was made; the rest of it is on record. */
export interface MadeCrl {
  readonly number: number
  readonly entries: number
  readonly octets: number
}

const chunkOctets = 256 * 1024

/**
 * Makes a CRL of all that the authority has revoked or put on hold, or a delta of that, signs it and puts it on record. Nothing of it
 * holds the event loop for long, and it takes twice the memory of its octets. Where the octets that a delta would be held against
 * are damaged, or which name other addresses, a complete one is made in its place.
 *
 * @returns undefined where another process began one after this, or the authority was compromised meanwhile.
 * @throws MintlineError `lint_failed`, `certificate_mismatch`, `database_unavailable`, and what the signer throws;
 * `record_damaged` where a row is missing of what the CRL before said, and `internal_error` where that is damaged and more of
 * them are. The reason of an aborted `signal`.
 */
export async function makeCrl(
  dependencies: MakingDependencies,
  order: CrlOrder,
  signal: AbortSignal
): Promise<MadeCrl | undefined> {
  const { store, clock } = dependencies
  const { authority, part, kind = 'complete' } = order
  const createdAt = clock()
  // They are said by what is read after this.
  const scope = { authorityId: authority.id, ...part }
  const changes = await store.listChanges(scope)
  // An address that comes after this comes with a change.
  const distributionPoint = await distributionPointOf(dependencies, authority, part)
  const number = await store.takeNumber(scope, createdAt)
  const base = kind === 'delta' ? await store.findPredecessor(scope) : undefined
  const makeComplete = () => makeCrl(dependencies, { ...order, kind: 'complete' }, signal)
  // Both are of the same in every octet, or nobody takes them together (RFC 5280 §6.3.3 (c)(2)).
  if (base !== undefined && base.distributionPoint !== toText(distributionPoint)) return makeComplete()
  const head = { ...headOf(order, { number, createdAt, base }, dependencies), distributionPoint }
  const toBuild = { authority, part, head, at: createdAt, base }
  const built = await buildTbs(dependencies, toBuild, signal)
  if (built === undefined) return makeComplete()
  const { tbsDer, entries, finalEntries } = built
  await judgeInSteps(tbsDer, der => lintTbsCertList(der, { ...head, entries, finalEntries }), giveWay)
  return signList(dependencies, { order, scope, head, createdAt, built, changes }, signal)
}

interface ToSign {
  readonly order: CrlOrder
  readonly scope: CrlScope
  readonly head: ListHead
  readonly createdAt: Date
  readonly built: BuiltTbs
  readonly changes: readonly string[]
}

/** Once what is signed is on record. */
async function signList(
  { store, clock, randomBytes }: MakingDependencies,
  { order, scope, head, createdAt, built, changes }: ToSign,
  signal: AbortSignal
): Promise<MadeCrl | undefined> {
  const { tbsDer, entries, finalEntries, byClock } = built
  const id = newId(createdAt, randomBytes)
  const tbsSha256 = await digestInSteps([tbsDer])
  for (let offset = 0, position = 0; offset < tbsDer.length; offset += chunkOctets, position += 1) {
    signal.throwIfAborted()
    await store.writeChunk(id, position, tbsDer.subarray(offset, offset + chunkOctets))
  }
  const { number, thisUpdate, nextUpdate, baseNumber, freshestCrl } = head
  const intent = await store.insert({
    ...{ id, ...scope, number, createdAt, thisUpdate, nextUpdate, entries, baseNumber, freshestCrl },
    finalEntries: finalEntries - byClock,
    distributionPoint: toText(head.distributionPoint),
    ...{ tbsDer, tbsSha256 }
  })
  if (intent === undefined) return undefined
  // A crash from here to the record leaves an intent that is never signed again: the next CRL has another number.
  const { signer, authority } = order
  const { signatureAlgorithm } = signer
  const signature = await signDurableList({ intent, signer, issuerPublicKey: authority.publicKey })
  const { before, after } = frameCertificateList(tbsDer.length, signatureAlgorithm, signature)
  const octets = before.length + tbsDer.length + after.length
  const sha256 = await digestInSteps([before, tbsDer, after])
  const signed = { intentId: id, signedAt: clock(), signatureAlgorithm, signature, octets, sha256 }
  return (await store.record(signed, changes)) ? { number, entries, octets } : undefined
}

interface Begun {
  readonly number: number
  readonly createdAt: Date
  /** Of a delta. */
  readonly base: StoredBase | undefined
}

function headOf(
  { authority, signer, isLast = false, freshestCrl }: CrlOrder,
  { number, createdAt, base }: Begun,
  { periods }: Pick<MakingDependencies, 'periods'>
): ListHead {
  const thisUpdate = toSecond(createdAt)
  const nextUpdate = isLast ? lastNextUpdate : new Date(thisUpdate.getTime() + periods.validityMs)
  return {
    signatureAlgorithm: signer.signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier,
    number,
    thisUpdate,
    // Both end together: a delta says nothing without its base.
    nextUpdate: base?.nextUpdate ?? nextUpdate,
    // None of its certificates is older than its row.
    keepsExpiredSince: toSecond(timeOfIdentifier(authority.id)),
    ...(base === undefined ? { freshestCrl: isLast ? undefined : freshestCrl } : { baseNumber: base.number })
  }
}

/** By which addresses certificates name a shard; a complete CRL has none, though they may name that. */
async function distributionPointOf(
  { shards: store }: MakingDependencies,
  { id, name }: Authority,
  part: CrlPart
): Promise<readonly string[] | undefined> {
  if (part.shards === 0) return undefined
  return (await store.listPublicUrls(id, part.shards)).map(url => `${url}${crlPath(name, part)}`)
}

/** An address has no space. */
const toText = (addresses: readonly string[] | undefined) => addresses?.join(' ') ?? null

/** SHA-256. */
async function digestInSteps(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const hash = createHash('sha256')
  for (const part of parts) {
    for (let offset = 0; offset < part.length; offset += chunkOctets) {
      hash.update(part.subarray(offset, offset + chunkOctets))
      if (part.length > chunkOctets) await giveWay()
    }
  }
  return new Uint8Array(hash.digest())
}

function toSecond(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000)
}
