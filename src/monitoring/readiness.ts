import type { Lines, LineState } from '../authorities/lines.ts'
import type { AuthorityWarning } from '../authorities/rotation/warnings.ts'
import { type ClockTrust, trustedDetail } from '../clock/clock-trust.ts'
import type { Database } from '../database/database.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { Events } from '../events/events.ts'
import type { StorageWatch } from '../storage/storage-watch.ts'

interface Check {
  readonly ok: boolean
  readonly detail: string
}

/** Whether a line can issue right now, and if not, why. */
interface LineCheck {
  readonly name: string
  readonly ready: boolean
  readonly reason?: string
}

/** Whether certificates can be issued right now, and what each thing that takes says. */
export interface Readiness {
  readonly ready: boolean
  readonly checks: {
    readonly database: Check
    /** Whether any of `lines` is ready. */
    readonly signer: Check
    /** Not ok while the reserve of free space is touched, which keeps nothing from working. */
    readonly storage: Check
    readonly clock: Check
    readonly authorities: Check
    /** Not ok while an event has waited for too long, which keeps nothing from working. */
    readonly events: Check
    /** Not ok while AWS IoT does not hold what is asked for, which keeps nothing from working. */
    readonly awsRegistrations: Check
    /** Not ok while AWS IoT cannot be told of revocations, or refuses some, which keeps nothing from working here. */
    readonly awsPushes: Check
    /** Not ok while there are alarms of the fleet, or a look at it did not go through, which keeps nothing from working here. */
    readonly fleet: Check
    /** Not ok while a CRL is missing, far behind or near its end, which keeps nothing from working but who reads it. */
    readonly crls: Check
    /** Not ok while what records are searched by is far behind them, which keeps nothing from working but some searches. */
    readonly search: Check
    /** Not ok while an OCSP responder has no certificate, or its last one runs out, which keeps nothing from working but those answers. */
    readonly ocsp: Check
    /** Not ok while the certificate, or a client CA or CRL, wants attention, which keeps nothing from working. Without those, not there. */
    readonly tls?: Check
    /** Not ok while its keys cannot be had, which keeps nothing from working but new sign-ins. Without one, not there. */
    readonly identityProvider?: Check
    /** Not ok while one does not answer, which keeps nothing from working but the profiles that have it asked. Without any, not there. */
    readonly mes?: Check
    readonly lines: readonly LineCheck[]
  }
}

export interface ReadinessDependencies {
  readonly database: Pick<Database, 'ping'>
  readonly storage: Pick<StorageWatch, 'check' | 'obstacle' | 'explain'>
  readonly lines: Lines
  readonly clockTrust: Pick<ClockTrust, 'examine'>
  readonly listWarnings: () => Promise<readonly AuthorityWarning[]>
  readonly events: Pick<Events, 'examine'>
  readonly awsRegistrations: { readonly examine: () => Promise<Check> }
  readonly awsPushes: { readonly examine: () => Promise<Check> }
  readonly fleet: { readonly examine: () => Promise<Check> }
  readonly crls: { readonly examine: () => Promise<Check> }
  readonly searchLag: { readonly examine: () => Promise<Check> }
  readonly examineOcsp: () => Check
  /** Undefined without TLS and client CAs. */
  readonly examineTls?: (() => Check) | undefined
  /** Undefined where nobody signs in elsewhere. */
  readonly examineProvider?: (() => Check) | undefined
  /** Undefined where no MES is asked. */
  readonly examineMes?: (() => Check) | undefined
}

/**
 * Asks each thing that an issuance needs whether it answers now. One line that can issue is enough, unless one is named:
 * then it is that line. Warnings are told and keep nothing from working.
 *
 * @throws MintlineError for a line that is named, what `Lines.judge` throws.
 */
export type AskReadiness = (line?: string) => Promise<Readiness>

export function createReadiness(dependencies: ReadinessDependencies): AskReadiness {
  const {
    storage,
    lines,
    clockTrust,
    listWarnings,
    events,
    awsRegistrations,
    awsPushes,
    fleet,
    crls,
    searchLag
  } = dependencies
  return async line => {
    const measuring = storage.check()
    const [databaseCheck, storageCheck, states, clock, warnings, ...kept] = await Promise.all([
      checkDatabase(dependencies, measuring),
      measuring,
      line === undefined ? lines.judgeAll() : lines.judge(line).then(state => [state]),
      check(() => clockTrust.examine(), trustedDetail),
      describeWarnings(listWarnings),
      orUnknown(events.examine()),
      orUnknown(awsRegistrations.examine()),
      orUnknown(awsPushes.examine()),
      orUnknown(fleet.examine()),
      orUnknown(crls.examine()),
      orUnknown(searchLag.examine())
    ])
    const [eventCheck, registrationCheck, pushCheck, fleetCheck, crlCheck, searchCheck] = kept
    const signer = checkSigner(states)
    const checks = {
      database: databaseCheck,
      signer,
      storage: storageCheck,
      clock,
      authorities: { ok: true, detail: warnings },
      events: eventCheck,
      awsRegistrations: registrationCheck,
      awsPushes: pushCheck,
      fleet: fleetCheck,
      crls: crlCheck,
      search: searchCheck,
      ocsp: dependencies.examineOcsp(),
      ...(dependencies.examineTls && { tls: dependencies.examineTls() }),
      ...(dependencies.examineProvider && { identityProvider: dependencies.examineProvider() }),
      ...(dependencies.examineMes && { mes: dependencies.examineMes() }),
      lines: states.map(describeLine)
    }
    return { ready: databaseCheck.ok && signer.ok && clock.ok, checks }
  }
}

/**
 * A database that answers and cannot write is of no use.
 *
 * @param measuring what is said of it goes by what is free then.
 */
function checkDatabase(
  { database, storage }: ReadinessDependencies,
  measuring: Promise<unknown>
): Promise<Check> {
  return check(async () => {
    try {
      await database.ping()
    } catch (error) {
      await measuring
      throw isMintlineError(error) ? storage.explain(error) : error
    }
    await measuring
    const obstacle = storage.obstacle()
    if (obstacle !== undefined) throw new MintlineError('database_unavailable', obstacle)
  }, 'answers')
}

function checkSigner(states: readonly LineState[]): Check {
  const stopped = states.filter(({ obstacle }) => obstacle !== undefined).map(({ line }) => line)
  if (states.length === 0) return { ok: false, detail: 'there is no authority yet' }
  if (stopped.length === 0) return { ok: true, detail: 'can sign' }
  return { ok: stopped.length < states.length, detail: `cannot sign for ${stopped.join(', ')}; see lines` }
}

function describeLine({ line: name, authority, obstacle }: LineState): LineCheck {
  if (obstacle === undefined) return { name, ready: true }
  const { detail } = obstacle
  const isNamed = authority === undefined || detail.includes(authority)
  return { name, ready: false, reason: isNamed ? detail : `${authority} cannot sign. ${detail}` }
}

const unknownDetail = 'not known while the database does not answer'

function orUnknown(examination: Promise<Check>): Promise<Check> {
  return examination.catch(() => ({ ok: true, detail: unknownDetail }))
}

async function describeWarnings(listWarnings: ReadinessDependencies['listWarnings']): Promise<string> {
  try {
    const warnings = await listWarnings()
    return warnings.length === 0 ? 'no warnings' : warnings.map(({ message }) => message).join('; ')
  } catch {
    return unknownDetail
  }
}

async function check(probe: () => Promise<void>, detailWhenOk: string): Promise<Check> {
  try {
    await probe()
    return { ok: true, detail: detailWhenOk }
  } catch (error) {
    return {
      ok: false,
      detail: isMintlineError(error) ? error.detail : 'failed for an unexpected reason; see the log'
    }
  }
}
