import { createHash } from 'node:crypto'
import { setImmediate as giveWay } from 'node:timers/promises'
import type { Authority } from '../../../authorities/authority.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { RevokedCertificatesWriter } from '../../../pki/revocation/list/entries.ts'
import { lintTbsCertList } from '../../../pki/revocation/list/list-lint.ts'
import {
  frameCertificateList,
  frameTbsCertList,
  type ListHead
} from '../../../pki/revocation/list/tbs-cert-list.ts'
import { rangeOf } from '../../../pki/revocation/shard.ts'
import { judgeInSteps } from '../../../signing/judgement.ts'
import { signDurableList } from '../../../signing/sign-durable.ts'
import type { Signer } from '../../../signing/signers/signer.ts'
import type { Clock } from '../../../sources/clock.ts'
import { newId, timeOfIdentifier } from '../../../sources/identifier.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { statusPaths } from '../../../sources/site/status-paths.ts'
import { type CrlPart, describePart, lastNextUpdate } from '../scope.ts'
import type { MakingStore } from './making-store.ts'
import { Predecessor } from './predecessor.ts'
import type { ShardStore } from './shard-store.ts'

export interface CrlPeriods {
  /** From thisUpdate to nextUpdate. */
  readonly validityMs: number
  /** How long before nextUpdate the next one is there, where nothing changes. */
  readonly overlapMs: number
}

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
}

/** What was made; the rest of it is on record. */
export interface MadeCrl {
  readonly number: number
  readonly entries: number
  readonly octets: number
}

const entriesAtOnce = 1_000
const chunkOctets = 256 * 1024
/** Copied in about a millisecond. */
const copiedAtOnce = 4 * 1024 * 1024

/**
 * Makes a CRL of all that the authority has revoked or put on hold, signs it and puts it on record. Nothing of it holds the
 * event loop for long, and it takes twice the memory of its octets.
 *
 * @returns undefined where another process began one after this, or the authority was compromised meanwhile.
 * @throws MintlineError `lint_failed`, `certificate_mismatch`, `database_unavailable`, and what the signer throws;
 * `record_damaged` where a row is missing of what the CRL before said, and `internal_error` where that is damaged and more of
 * them are. The reason of an aborted `signal`.
 */
export async function makeCrl(
  dependencies: MakingDependencies,
  { authority, part, signer, isLast = false }: CrlOrder,
  signal: AbortSignal
): Promise<MadeCrl | undefined> {
  const { store, periods, clock, randomBytes } = dependencies
  const createdAt = clock()
  // They are said by what is read after this.
  const scope = { authorityId: authority.id, ...part }
  const changes = await store.listChanges(scope)
  // An address that comes after this comes with a change.
  const distributionPoint = await distributionPointOf(dependencies, authority, part)
  const number = await store.takeNumber(scope, createdAt)
  const thisUpdate = toSecond(createdAt)
  const nextUpdate = isLast ? lastNextUpdate : new Date(thisUpdate.getTime() + periods.validityMs)
  const { signatureAlgorithm } = signer
  const head: ListHead = {
    signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier,
    number,
    thisUpdate,
    nextUpdate,
    // None of its certificates is older than its row.
    keepsExpiredSince: toSecond(timeOfIdentifier(authority.id)),
    distributionPoint
  }
  const toBuild = { authority, part, head, at: createdAt }
  const { tbsDer, entries, finalEntries, byClock } = await buildTbs(dependencies, toBuild, signal)
  await judgeInSteps(tbsDer, der => lintTbsCertList(der, { ...head, entries, finalEntries }), giveWay)
  const id = newId(createdAt, randomBytes)
  const tbsSha256 = await digestInSteps([tbsDer])
  for (let offset = 0, position = 0; offset < tbsDer.length; offset += chunkOctets, position += 1) {
    signal.throwIfAborted()
    await store.writeChunk(id, position, tbsDer.subarray(offset, offset + chunkOctets))
  }
  const period = { number, createdAt, thisUpdate, nextUpdate }
  const intent = await store.insert({
    id,
    ...scope,
    ...period,
    entries,
    finalEntries: finalEntries - byClock,
    tbsDer,
    tbsSha256
  })
  if (intent === undefined) return undefined
  // A crash from here to the record leaves an intent that is never signed again: the next CRL has another number.
  const signature = await signDurableList({ intent, signer, issuerPublicKey: authority.publicKey })
  const { before, after } = frameCertificateList(tbsDer.length, signatureAlgorithm, signature)
  const octets = before.length + tbsDer.length + after.length
  const sha256 = await digestInSteps([before, tbsDer, after])
  const signed = { intentId: id, signedAt: clock(), signatureAlgorithm, signature, octets, sha256 }
  return (await store.record(signed, changes)) ? { number, entries, octets } : undefined
}

/** By which addresses certificates name a shard; a complete CRL has none, though they may name that. */
async function distributionPointOf(
  { shards: store }: MakingDependencies,
  { id, name }: Authority,
  { shards, shard }: CrlPart
): Promise<readonly string[] | undefined> {
  if (shards === 0) return undefined
  return (await store.listPublicUrls(id, shards)).map(
    url => `${url}${statusPaths.crlShard(name, shards, shard)}`
  )
}

interface ToBuild {
  readonly authority: Authority
  readonly part: CrlPart
  readonly head: ListHead
  readonly at: Date
}

async function buildTbs(
  { store, log }: MakingDependencies,
  { authority, part, head, at }: ToBuild,
  signal: AbortSignal
) {
  const writer = new RevokedCertificatesWriter()
  const { id: authorityId, name } = authority
  const range = part.shards === 0 ? undefined : rangeOf(part.shards, part.shard)
  const about = { authorityId, range, at, limit: entriesAtOnce }
  const stored = await store.findPredecessor({ authorityId, ...part })
  const predecessor = stored && new Predecessor(stored, store, at)
  let after: Uint8Array = new Uint8Array()
  let byClock = 0
  for (;;) {
    signal.throwIfAborted()
    const page = await store.readEntries({ ...about, after })
    for (const entry of page) {
      writer.add(entry)
      if (entry.isByClock) byClock += 1
    }
    await predecessor?.pass(page)
    if (page.length < entriesAtOnce) break
    after = page.at(-1)!.serialNumber
  }
  if ((await predecessor?.finish()) === false)
    log.warn(
      { authority: name, number: stored?.number },
      `the last CRL of ${describePart(part, name)} was changed in the database; the next one is held against its count alone`
    )
  const { octets, count: entries, finalCount: finalEntries } = writer
  const frame = frameTbsCertList(head, octets)
  const tbsDer = new Uint8Array(frame.before.length + octets + frame.after.length)
  let offset = 0
  let copied = 0
  for (const part of [frame.before, ...writer.finish(), frame.after]) {
    tbsDer.set(part, offset)
    offset += part.length
    if (offset > copied + copiedAtOnce) {
      copied = offset
      await giveWay()
    }
  }
  return { tbsDer, entries, finalEntries, byClock }
}

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
