import { setImmediate as giveWay } from 'node:timers/promises'
import type { Authority } from '../../../authorities/authority.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { RevokedCertificatesWriter } from '../../../pki/revocation/list/entries.ts'
import { frameTbsCertList, type ListHead } from '../../../pki/revocation/list/tbs-cert-list.ts'
import { rangeOf } from '../../../pki/revocation/shard.ts'
import { type CrlPart, type CrlScope, describePart } from '../scope.ts'
import { Difference } from './difference.ts'
import { ListCursor, type StoredBase, type StoredPredecessor } from './list-cursor.ts'
import type { MakingStore } from './making-store.ts'
import { Predecessor } from './predecessor.ts'

interface ToBuild {
  readonly authority: Authority
  readonly part: CrlPart
  readonly head: ListHead
  readonly at: Date
  /** Of a delta, the complete CRL whose number the head has. */
  readonly base: StoredBase | undefined
}

export interface BuiltTbs {
  readonly tbsDer: Uint8Array
  readonly entries: number
  readonly finalEntries: number
  /** Those of the final ones that are over by the clock alone so far. */
  readonly byClock: number
}

interface BuildingDependencies {
  readonly store: MakingStore
  readonly log: Pick<DatabaseLog, 'warn'>
}

const entriesAtOnce = 1_000
/** Copied in about a millisecond. */
const copiedAtOnce = 4 * 1024 * 1024

/**
 * The TBSCertList of all that is revoked or on hold, or of a delta, held against the newest complete CRL and the newest delta of that.
 *
 * @returns undefined for a delta where the octets that it is held against are not those that were signed.
 * @throws MintlineError `record_damaged` where a row is missing of what they said.
 */
export async function buildTbs(
  { store, log }: BuildingDependencies,
  { authority, part, head, at, base }: ToBuild,
  signal: AbortSignal
): Promise<BuiltTbs | undefined> {
  const writer = new RevokedCertificatesWriter()
  const { id: authorityId, name } = authority
  const range = part.shards === 0 ? undefined : rangeOf(part.shards, part.shard)
  const about = { authorityId, range, at, limit: entriesAtOnce }
  const stored = await findStored(store, { authorityId, ...part }, base)
  const predecessors = stored.map(each => new Predecessor(each, store, at))
  const difference = base && differenceFrom(stored, store)
  let after: Uint8Array = new Uint8Array()
  let byClock = 0
  for (;;) {
    signal.throwIfAborted()
    const page = await store.readEntries({ ...about, after })
    for (const entry of (await difference?.pass(page)) ?? page) {
      writer.add(entry)
      if (entry.isByClock) byClock += 1
    }
    for (const each of predecessors) await each.pass(page)
    if (page.length < entriesAtOnce) break
    after = page.at(-1)!.serialNumber
  }
  for (const entry of (await difference?.finish()) ?? []) writer.add(entry)
  let isDamaged = difference?.isDamaged === true
  for (const each of predecessors) {
    if (await each.finish()) continue
    isDamaged ||= base !== undefined
    if (base === undefined)
      log.warn(
        { authority: name, number: each.number },
        `the last CRL of ${describePart(part, name)} was changed in the database; the next one is held against its count alone`
      )
  }
  return isDamaged ? undefined : assemble(writer, head, byClock)
}

/** The newest complete one, or the base of a delta, and the newest delta of it. */
async function findStored(
  store: MakingStore,
  scope: CrlScope,
  base: StoredBase | undefined
): Promise<readonly StoredPredecessor[]> {
  const complete = base ?? (await store.findPredecessor(scope))
  if (complete === undefined) return []
  const delta = await store.findDelta(scope, complete.number)
  return delta === undefined ? [complete] : [complete, delta]
}

function differenceFrom(
  [base, before]: readonly StoredPredecessor[],
  store: MakingStore
): Difference | undefined {
  return base && new Difference(new ListCursor(base, store), before && new ListCursor(before, store))
}

async function assemble(
  writer: RevokedCertificatesWriter,
  head: ListHead,
  byClock: number
): Promise<BuiltTbs> {
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
