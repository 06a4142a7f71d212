import type { Act } from '../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../sources/page.ts'

/** Of which certificates AWS IoT is asked for their things: those that it was not asked of for 30 days, all, or none. */
export const thingChoices = ['new', 'all', 'none'] as const
export type ThingChoice = (typeof thingChoices)[number]

/**
 * How far one registration, or a CA as a whole, has come.
 *
 * - `listing`: AWS lists the certificates of the CA.
 * - `judging`: they are held against the record.
 * - `things`: AWS is asked which things they are attached to.
 * - `unseen`: of a CA: what was issued and is nowhere at AWS.
 * - `keys`: of a CA: when its key was used last.
 * - `closing`: what was not found again goes.
 */
export const walkPhases = [
  'listing',
  'judging',
  'things',
  'unseen',
  'keys',
  'closing',
  'done',
  'failed'
] as const
export type WalkPhase = (typeof walkPhases)[number]

export interface WalkError {
  readonly code: string
  readonly detail: string
}

/** What AWS held of a CA in one place when it was looked at. */
export interface HeldCounts {
  /** All that are registered there. */
  readonly registered: number
  /** Of them, those whose devices are known to have been let in. */
  readonly connected: number
  readonly byStatus: Readonly<Record<string, number>>
}

/** As it is shown. */
export interface ToldWalk {
  /** Name of the generation. */
  readonly authority: string
  /** Undefined of the CA as a whole. */
  readonly place: { readonly accountAlias: string; readonly region: string } | undefined
  readonly phase: WalkPhase
  readonly listed: number
  readonly asked: number
  readonly held: HeldCounts | null
  readonly endedAt: Date | null
  readonly lastError: WalkError | null
  /** Of a CA: why it is not known when its key was used last. */
  readonly keyError: WalkError | null
}

export interface Reconciliation {
  readonly id: string
  readonly createdAt: Date
  readonly actor: string
  readonly note: string | null
  readonly neverSeenDays: number
  readonly things: ThingChoice
  readonly finishedAt: Date | null
}

export interface ToldReconciliation extends Reconciliation {
  readonly walks: readonly ToldWalk[]
}

export interface ReconciliationRequest {
  readonly neverSeenDays?: number | undefined
  readonly things?: ThingChoice | undefined
}

/** Looks at what AWS IoT holds, in every account and region in which a CA is registered, held against the record. */
export interface Reconciliations {
  /**
   * Durable when it resolves; then it goes on, whatever becomes of this process. While one like it goes on, it is that one.
   *
   * @throws MintlineError `fleet_reconciliation_running` while another one goes on, `reconciliation`.
   */
  begin(request: ReconciliationRequest, act: Act): Promise<ToldReconciliation>
  /** @throws MintlineError `fleet_reconciliation_not_found`. */
  find(id: string): Promise<ToldReconciliation>
  /** Newest first. */
  list(query: PageQuery): Promise<Page<Reconciliation>>
}
