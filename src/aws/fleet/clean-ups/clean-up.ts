import type { Act } from '../../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../../sources/page.ts'
import type { WalkError } from '../reconciliation.ts'

/**
 * - `superseded-certificates`: those that have ended since another one came in their place, and that AWS IoT does not let in.
 * - `orphaned-things`: those that a look has found, and whose device has no certificate in effect.
 */
export const cleanUpSubjects = ['superseded-certificates', 'orphaned-things'] as const
export type CleanUpSubject = (typeof cleanUpSubjects)[number]

/** All given conditions hold together. */
export interface CleanUpSelection {
  readonly of: CleanUpSubject
  /** Name of the generation. */
  readonly authority?: string | undefined
  readonly accountAlias?: string | undefined
  readonly region?: string | undefined
}

/**
 * - `done`: it is there no more.
 * - `left`: it is needed still, or again; `detail` says why.
 * - `failed`: AWS does not take it.
 */
export const itemStates = ['waiting', 'done', 'left', 'failed'] as const
export type ItemState = (typeof itemStates)[number]

/** What is to be deleted, as it is shown. */
export interface ToldItem {
  readonly authority: string
  readonly accountAlias: string
  readonly region: string
  /** Null of a certificate. */
  readonly thing: string | null
  /** Lower-case hex; null of a thing. */
  readonly certificateId: string | null
  /** Of the record that it is of. */
  readonly issuanceId: string
}

/** One that was not deleted, or not yet; `detail` says why. */
export interface TroubledItem extends ToldItem {
  readonly state: ItemState
  readonly detail: WalkError
}

/** What an order would be about. */
export interface CleanUpCount {
  /** At most `mostAtOnce`. */
  readonly count: number
  /** Of these, those that by what was seen last AWS would register anew: each is asked for, and left where that is so still. */
  readonly mayBeLeft: number
  /** There are more, for the order after it. */
  readonly hasMore: boolean
  /** The first few. */
  readonly first: readonly ToldItem[]
}

export interface CleanUp {
  readonly id: string
  readonly createdAt: Date
  readonly actor: string
  readonly note: string
  readonly selection: CleanUpSelection
  readonly expected: number
  readonly finishedAt: Date | null
  readonly counts: Readonly<Record<ItemState, number>>
}

export interface ToldCleanUp extends CleanUp {
  /** The first of those that were left, have failed, or wait for AWS. */
  readonly troubled: readonly TroubledItem[]
}

/** An order is about no more; what is left is for the next one. */
export const mostAtOnce = 10_000

/** Deleting at AWS IoT what nobody needs any more: counted first, then done in the background. */
export interface CleanUps {
  /** What an order would be about now. Nothing is asked of AWS. @throws MintlineError `authority_not_found`. */
  count(selection: CleanUpSelection): Promise<CleanUpCount>
  /**
   * Durable when it resolves; then it is carried out, whatever becomes of this process.
   *
   * @throws MintlineError `authority_not_found`; `fleet_clean_up_count_changed` where another number is to be deleted by now, `count`.
   */
  place(
    selection: CleanUpSelection,
    expected: number,
    act: Act & { readonly reason: string }
  ): Promise<ToldCleanUp>
  /** @throws MintlineError `fleet_clean_up_not_found`. */
  find(id: string): Promise<ToldCleanUp>
  /** Newest first. */
  list(query: PageQuery): Promise<Page<CleanUp>>
}
