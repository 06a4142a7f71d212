import { type AuditEvent, buildAuditEvent, systemAct, type ToldAct } from '../../../audit/audit-event.ts'
import type { StoredAuthority } from '../../../authorities/authority-store.ts'
import { type ErrorCode, isMintlineError } from '../../../errors/mintline-error.ts'
import { JobRefusal } from '../../../jobs/job.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import type { StoredRegistration, StoredState } from '../registration-store.ts'
import type { Hold } from './live-change.ts'
import type { Comparison } from './reconcile.ts'

/** A registration as it was when the work began. */
export interface LoadedRegistration {
  readonly registration: StoredRegistration
  readonly authority: StoredAuthority
}

export interface OutcomeKeeper {
  /** Keeps what AWS holds after it was brought to what is asked for. */
  keepComparison(
    loaded: LoadedRegistration,
    comparison: Comparison,
    profileVersion: number | null
  ): Promise<void>
  /** Keeps what AWS holds where it was left at that. */
  keepHold(loaded: LoadedRegistration, held: HeldComparison, profileVersion: number | null): Promise<void>
  /**
   * Keeps what was found at AWS. A registration that failed stays so while it is not as asked for, with its reason and
   * its next try.
   */
  keepCheck(loaded: LoadedRegistration, comparison: Comparison, look: Look): Promise<void>
  /** Keeps why nothing could be found, beside what was known. Throws it again. */
  keepFailedCheck(loaded: LoadedRegistration, error: unknown): Promise<never>
  /**
   * Keeps why it could not be done. Throws it again, as a JobRefusal where trying again does not mend it; that the
   * service was stopping is no reason to keep.
   */
  keepFailure(loaded: LoadedRegistration, error: unknown, profileVersion?: number | null): Promise<never>
}

type HeldComparison = Comparison & { readonly hold: Hold }

interface Look {
  /** The profile's version that AWS was compared with. */
  readonly profileVersion: number | null
  /** When it began: it is out of date when something was kept since. */
  readonly since: Date
}

type Outcome = Pick<StoredState, 'state' | 'drift' | 'lastError'> & Partial<StoredState>

const passing: readonly ErrorCode[] = ['aws_unavailable', 'database_unavailable', 'signer_unavailable']
/** Until what failed is tried again. */
export const retryAfterMs = 15 * 60_000

type Keep = (loaded: LoadedRegistration, outcome: Outcome, since?: Date) => Promise<void>
type KeeperDependencies = Pick<RegistrationDependencies, 'store' | 'clock' | 'randomBytes'>

function createKeep({ store, clock, randomBytes }: KeeperDependencies): Keep {
  return async (loaded, outcome, since) => {
    const { id, version, state: before } = loaded.registration
    const checkedAt = clock()
    const state: StoredState = {
      version,
      profileVersion: before?.profileVersion ?? null,
      awsAccountId: before?.awsAccountId ?? null,
      observed: before?.observed ?? null,
      retryAt: null,
      triedProfileVersion: null,
      checkedAt,
      ...outcome
    }
    const isChange = before?.state !== state.state
    await store.putState(id, state, {
      event: isChange ? eventOf(loaded, state, randomBytes) : undefined,
      since: since && { time: since, now: checkedAt }
    })
  }
}

/** Keeps how the work on registrations went; each change of state is an audit event of its own. */
export function createOutcomeKeeper(dependencies: KeeperDependencies): OutcomeKeeper {
  const { store, clock } = dependencies
  const keep = createKeep(dependencies)
  const nextTry = () => new Date(clock().getTime() + retryAfterMs)

  return {
    keepComparison: (loaded, comparison, profileVersion) =>
      keep(loaded, outcomeOf(comparison, profileVersion)),
    keepHold(loaded, { hold, ...comparison }, triedProfileVersion) {
      const before = loaded.registration.state?.profileVersion ?? null
      const found = outcomeOf(comparison, before)
      return keep(loaded, {
        ...found,
        state: 'blocked',
        lastError: hold,
        triedProfileVersion,
        retryAt: nextTry()
      })
    },
    keepCheck(loaded, comparison, { profileVersion, since }) {
      const found = outcomeOf(comparison, profileVersion)
      const { state: before } = loaded.registration
      const isOver = !isUndone(before) || found.state === 'registered'
      if (isOver) return keep(loaded, found, since)
      const { state, profileVersion: version, triedProfileVersion, lastError, retryAt } = before
      const kept = { state, triedProfileVersion, lastError, retryAt, profileVersion: version }
      return keep(loaded, { ...found, ...kept }, since)
    },
    async keepFailedCheck({ registration: { id, state } }, error) {
      if (
        state !== undefined &&
        (isMintlineError(error, 'aws_refused') || isMintlineError(error, 'aws_unavailable'))
      ) {
        const { code, detail } = error
        await store.putState(
          id,
          { ...state, lastError: { code, detail } },
          { since: { time: state.checkedAt, now: clock() } }
        )
      }
      throw error
    },
    async keepFailure(loaded, error, triedProfileVersion = null) {
      if (isMintlineError(error, 'job_interrupted')) throw error
      const { code, detail } = isMintlineError(error)
        ? error
        : { code: 'internal_error', detail: 'It failed for an unexpected reason; the log of the job has it.' }
      const lastError = { code, detail }
      await keep(loaded, { state: 'failed', drift: [], lastError, triedProfileVersion, retryAt: nextTry() })
      throw isMintlineError(error) && !passing.includes(error.code) ? new JobRefusal(error) : error
    }
  }
}

/** What is asked for was not brought about, and is tried again. */
export function isUndone(
  state: StoredState | undefined
): state is StoredState & { readonly state: 'blocked' | 'failed' } {
  return state?.state === 'failed' || state?.state === 'blocked'
}

function outcomeOf({ observation, drift }: Comparison, profileVersion: number | null): Outcome {
  return {
    state: drift.length === 0 ? 'registered' : 'drifted',
    drift,
    lastError: null,
    profileVersion,
    observed: observation?.observed ?? null,
    awsAccountId: observation?.certificateArn.split(':')[4] ?? null
  }
}

function eventOf(
  { registration, authority }: LoadedRegistration,
  state: StoredState,
  randomBytes: RandomBytes
): AuditEvent {
  const { id: registrationId, region, accountAlias, state: before } = registration
  const what: ToldAct = {
    ...systemAct,
    act: `aws_registration.${state.state}`,
    subject: `aws-registration/${registrationId}`,
    before: before === undefined ? undefined : { state: before.state },
    after: {
      authority: authority.name,
      region,
      accountAlias,
      state: state.state,
      drift: state.drift,
      lastError: state.lastError
    }
  }
  return buildAuditEvent(what, { time: state.checkedAt, randomBytes })
}
