import { MintlineError } from '../../errors/mintline-error.ts'
import { maySignCrlsBy } from '../../pki/certificate/authority/certificate.ts'
import type { IssuanceRecord } from '../../records/record.ts'
import type { Clock } from '../../sources/clock.ts'
import type { Page, PageQuery } from '../../sources/page.ts'

/** That a generation was declared compromised, and how far its own last things have come. */
export interface Compromise {
  readonly authorityId: string
  /** Name of the generation. */
  readonly authority: string
  /** That issues now, of its line. */
  readonly successor: string | null
  readonly createdAt: Date
  readonly actor: string
  readonly note: string
  /** Id of the order that revokes all that it issued; null where it never issued. */
  readonly orderId: string | null
  readonly isAllRevoked: boolean
  /** `waiting` until all is revoked and the key has signed it; `none` where it is not to. */
  readonly lastCrl: 'none' | 'waiting' | 'signed'
  /** Of the last CRL. */
  readonly lastCrlNumber: number | null
  /** How many certificates the order could not revoke, while no later one about the whole generation has. */
  readonly failed: number
  /** As `2026-01`, the latest first: it issued then, and that is detached, so that it is not revoked. */
  readonly detachedMonths: readonly string[]
  /** Null where it never had one. */
  readonly certificateDer: Uint8Array | null
}

/** As it is told. `missed`: its certificate ended before its key could sign a last CRL, so that there will be none. */
export interface ToldCompromise extends Omit<Compromise, 'lastCrl' | 'certificateDer'> {
  readonly lastCrl: Compromise['lastCrl'] | 'missed'
}

/** Of a compromised generation whose order is done, what that could not do. */
export type Unfinished = Pick<Compromise, 'authority' | 'failed' | 'detachedMonths' | 'certificateDer'>

/** Some of the next to look at. */
interface Looked {
  /** Ids of records. */
  readonly ids: readonly string[]
  /** Id of the last that was looked at; undefined where there are no more. */
  readonly position: string | undefined
}

export interface CompromiseStore {
  find(authority: string): Promise<Compromise | undefined>
  listUnfinished(): Promise<readonly Unfinished[]>
  /**
   * Of the certificates of a compromised authority, in the order of their records, those whose devices are still without another: not
   * scrapped, superseded, void or revoked for a reason of their own, and with none of a sound authority since. A bounded part at a time.
   */
  lookForUnprovisioned(authorityId: string, after: string | undefined, limit: number): Promise<Looked>
}

export interface Compromises {
  /** @throws MintlineError `authority_not_found`, also where it is not compromised. */
  find(authority: string): Promise<ToldCompromise>
  /**
   * The certificates in whose place devices are to have another, oldest first. A page may have fewer than `limit`, and none, and be
   * followed by others all the same. Throws as `find`.
   */
  listUnprovisioned(authority: string, query: PageQuery): Promise<Page<IssuanceRecord>>
}

export interface CompromiseDependencies {
  readonly store: CompromiseStore
  readonly clock: Clock
  readonly records: {
    findAll(ids: readonly string[]): Promise<readonly IssuanceRecord[]>
  }
}

export function createCompromises({ store, records, clock }: CompromiseDependencies): Compromises {
  async function require(authority: string): Promise<Compromise> {
    const found = await store.find(authority)
    if (found !== undefined) return found
    throw new MintlineError(
      'authority_not_found',
      `${authority} is no generation that was declared compromised. GET /v1/authorities lists all, with their states; of one that was declared so before Mintline kept this, POST /v1/revocations revokes what it issued.`
    )
  }
  return {
    async find(authority) {
      const { certificateDer, ...found } = await require(authority)
      const isMissed = found.lastCrl === 'waiting' && !maySignCrlsBy(certificateDer, clock())
      return { ...found, lastCrl: isMissed ? 'missed' : found.lastCrl }
    },
    async listUnprovisioned(authority, { limit, cursor }) {
      const { authorityId } = await require(authority)
      const { ids, position } = await store.lookForUnprovisioned(authorityId, cursor, limit)
      return { items: await records.findAll(ids), nextCursor: position }
    }
  }
}
