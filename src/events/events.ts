import { type Act, type AuditEvent, buildAuditEvent } from '../audit/audit-event.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import type { JobService } from '../jobs/queue.ts'
import type { Clock } from '../sources/clock.ts'
import { type Page, type PageQuery, readPage } from '../sources/page.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { OutboxStore } from './outbox-store.ts'
import type { SetAsideEvent, SetAsideStore } from './set-aside-store.ts'

/** How the delivery to the webhook goes. */
export interface DeliveryStatus {
  readonly enabled: boolean
  /** All that the webhook has not taken; not more than 100,000 are counted. */
  readonly waiting: number
  /** Of them, how many failed by themselves while others passed. */
  readonly setAside: number
  /** Since when the oldest event in line is owed. */
  readonly oldestOwedAt: Date | undefined
  readonly lastSuccessAt: Date | undefined
  readonly lastError: { readonly at: Date; readonly detail: string } | undefined
  /** While a try is planned. */
  readonly nextTryAt: Date | undefined
}

export interface Events {
  status(): Promise<DeliveryStatus>
  /** Has all that waits tried now, whatever the pause. @throws MintlineError `webhook_missing`, `token_invalid`. */
  deliver(act: Act): Promise<DeliveryStatus>
  /** Newest first. */
  listSetAside(query: PageQuery): Promise<Page<SetAsideEvent>>
  /** Has one that is set aside tried now. @throws MintlineError `webhook_missing`, `event_not_found`, `token_invalid`. */
  deliverOne(id: string, act: Act): Promise<SetAsideEvent>
  /** For readiness: whether an event has been waiting for too long. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
}

export interface EventsDependencies {
  readonly outbox: Pick<OutboxStore, 'backlog' | 'readState'>
  readonly setAside: SetAsideStore
  readonly jobs: Pick<JobService, 'send' | 'list'>
  readonly isEnabled: boolean
  readonly overdueMs: number
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** The database's clock may be set right by a little at any time. */
const clocksApartMs = 10_000

export function createEvents(dependencies: EventsDependencies): Events {
  const { outbox, setAside, jobs, isEnabled, overdueMs, clock, randomBytes } = dependencies
  const audited = (act: Act, what: Pick<AuditEvent, 'act' | 'subject'>) =>
    buildAuditEvent({ ...act, ...what }, { time: clock(), randomBytes })

  async function status(): Promise<DeliveryStatus> {
    const [{ waiting, refused }, { readAt, ...state }, nextTryAt] = await Promise.all([
      outbox.backlog(),
      outbox.readState(),
      findNextTry(jobs)
    ])
    return { enabled: isEnabled, waiting, setAside: refused, ...state, nextTryAt }
  }

  return {
    status,
    async deliver(act) {
      assertEnabled(isEnabled)
      await deliverNow({ setAside, jobs }, audited(act, { act: 'webhook.deliver', subject: 'webhook' }))
      return status()
    },
    listSetAside: query => readPage(query, wanted => setAside.list(wanted)),
    async deliverOne(id, act) {
      assertEnabled(isEnabled)
      const event = await setAside.hastenOne(
        id,
        audited(act, { act: 'event.deliver', subject: `event/${id}` })
      )
      if (event === undefined) {
        throw new MintlineError(
          'event_not_found',
          `No event with the id ${id} is set aside: it was taken, waits in line, or never was. See GET /v1/events/status.`
        )
      }
      await jobs.send('webhook.deliver', {}, { now: true })
      return event
    },
    async examine() {
      if (!isEnabled) return { ok: true, detail: 'there is no webhook' }
      const { oldestOwedAt, lastError, readAt } = await outbox.readState()
      if (oldestOwedAt === undefined) return { ok: true, detail: 'none waits' }
      const waitedMs = readAt.getTime() - oldestOwedAt.getTime()
      const waits = `the oldest that waits is from ${oldestOwedAt.toISOString()}`
      if (waitedMs < -clocksApartMs) {
        return {
          ok: false,
          detail: `${waits}, of a clock that was ahead: nobody knows how long it has been waiting.`
        }
      }
      if (waitedMs <= overdueMs) return { ok: true, detail: waits }
      const reason = lastError === undefined ? '' : ` The last error: ${lastError.detail}`
      return {
        ok: false,
        detail: `${waits}, longer ago than MINTLINE_WEBHOOK_OVERDUE_MS (${overdueMs}).${reason} GET /v1/events/status says more.`
      }
    }
  }
}

function assertEnabled(isEnabled: boolean): void {
  if (isEnabled) return
  throw new MintlineError(
    'webhook_missing',
    'The settings name no webhook. Set MINTLINE_WEBHOOK_URL and MINTLINE_WEBHOOK_SECRET_FILE and start the service anew.'
  )
}

/** A crash in between leaves what is set aside due, for the next minute's try. */
export async function deliverNow(
  { setAside, jobs }: Pick<EventsDependencies, 'setAside'> & { readonly jobs: Pick<JobService, 'send'> },
  act?: AuditEvent
): Promise<void> {
  await setAside.hasten(act)
  await jobs.send('webhook.deliver', {}, { now: true })
}

async function findNextTry(jobs: Pick<JobService, 'list'>): Promise<Date | undefined> {
  const pages = await Promise.all(
    (['waiting', 'retrying'] as const).map(state => jobs.list({ kind: 'webhook.deliver', state, limit: 1 }))
  )
  const times = pages.flatMap(({ items }) => items.flatMap(({ nextTryAt }) => nextTryAt ?? []))
  return times.sort((a, b) => a.getTime() - b.getTime())[0]
}
