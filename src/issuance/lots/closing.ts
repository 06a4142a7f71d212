import type { JWK } from 'jose'
import { type Act, systemAct } from '../../audit/audit-event.ts'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import type { LotProgress, Lots } from '../../factory/lots/lot.ts'
import type { LotStore } from '../../factory/lots/lot-store.ts'
import { buildStatement, CertificateTally, signStatement } from '../../factory/lots/statement/statement.ts'
import type { StatementKey } from '../../factory/lots/statement/statement-key.ts'
import type { StatementStore } from '../../factory/lots/statement/statement-store.ts'
import type { Clock } from '../../sources/clock.ts'
import type { Voiding } from '../ends/voiding.ts'
import type { Replay } from '../replay.ts'

interface ClosedLot {
  readonly id: string
  /** Compact JWS. */
  readonly statement: string
}

export interface LotClosing {
  /**
   * Closes a lot: it takes no devices from then on, each of its open intents is completed or declared void, and what
   * came of it is stated, signed and kept. The same again answers with the same statement; after a crash, or a failure
   * in the middle, it goes on from there.
   *
   * @throws MintlineError `lot_not_found`.
   */
  close(id: string, act: Act): Promise<ClosedLot>
  /** Of a lot that is closed and has one. */
  findStatement(id: string): Promise<string | undefined>
  /** All that statements of this database were signed with (RFC 7517). */
  listKeys(): Promise<readonly JWK[]>
}

export interface LotClosingDependencies {
  readonly lots: Pick<Lots, 'end' | 'find'>
  readonly lotStore: Pick<LotStore, 'listOpen'>
  readonly statements: StatementStore
  readonly loadKey: () => Promise<StatementKey>
  readonly replay: Replay
  readonly voiding: Pick<Voiding, 'declareVoid'>
  readonly clock: Clock
}

/** A key store that waits for each signature takes that many at once. */
const concurrency = 8
/** In one look at the record. */
const certificatesAtOnce = 2_000

export function createLotClosing(dependencies: LotClosingDependencies): LotClosing {
  const { lots, lotStore, statements, loadKey, clock } = dependencies

  async function settleIntents(lot: string): Promise<void> {
    // None comes any more: the lot is closed.
    const waiting = [...(await lotStore.listOpen(lot))]
    const work = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop())
        await completeOrVoid(dependencies, id, lot)
    }
    await Promise.all(Array.from({ length: concurrency }, work))
  }

  async function tallyOf({ id, issued }: LotProgress): Promise<CertificateTally> {
    const tally = new CertificateTally()
    for (let after: string | undefined; ;) {
      const certificates = await statements.listCertificates(id, after, certificatesAtOnce)
      tally.add(certificates)
      after = certificates.at(-1)?.id
      if (certificates.length < certificatesAtOnce) break
    }
    if (tally.count === issued) return tally
    throw new MintlineError(
      'record_damaged',
      `The lot ${id} counts ${issued} certificates, and ${tally.count} are on record: somebody changed the database, so nothing is stated. The lot is closed. Ask the administrator to restore the record from a backup, then close it again.`
    )
  }

  return {
    async close(id, act) {
      await lots.end(id, act)
      const earlier = await statements.find(id)
      if (earlier !== undefined) return { id, statement: earlier }
      await settleIntents(id)
      const key = await loadKey()
      const closedAt = clock()
      await statements.keepKey(key.keyId, key.publicJwk, closedAt)
      const lot = await lots.find(id)
      const jws = await signStatement(buildStatement(lot, await tallyOf(lot), closedAt), key)
      return { id, statement: await statements.insert(id, jws, closedAt) }
    },
    findStatement: id => statements.find(id),
    listKeys: () => statements.listKeys()
  }
}

/** What cannot be completed now would be without a lot later: it is void, and its device is free for another. */
async function completeOrVoid(
  { replay, voiding }: Pick<LotClosingDependencies, 'replay' | 'voiding'>,
  intentId: string,
  lot: string
): Promise<void> {
  try {
    await replay.replay(await replay.findSettled(intentId))
  } catch (error) {
    if (!isMintlineError(error) || error.code === 'database_unavailable') throw error
    const reason = `The lot ${lot} was closed, and the certificate could not be made: ${error.code}`
    await voiding.declareVoid(intentId, { ...systemAct, reason }).catch((refusal: unknown) => {
      // Another process has recorded it at this moment.
      if (!isMintlineError(refusal, 'issuance_not_open')) throw refusal
    })
  }
}
