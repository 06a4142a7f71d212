import { MintlineError } from '../errors/mintline-error.ts'
import type { JobService } from '../jobs/job-queue.ts'
import { type Page, type PageQuery, readPage } from '../sources/page.ts'
import type { OutboxStore, SetAsideEvent } from './outbox-store.ts'

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
  /** Has all that waits tried now, whatever the pause. @throws MintlineError `webhook_missing`. */
  deliver(): Promise<DeliveryStatus>
  /** Newest first. */
  listSetAside(query: PageQuery): Promise<Page<SetAsideEvent>>
  /** Has one that is set aside tried now. @throws MintlineError `webhook_missing`, `event_not_found`. */
  deliverOne(id: string): Promise<SetAsideEvent>
  /** For readiness: whether an event has been waiting for too long. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
}

export interface EventsDependencies {
  readonly outbox: OutboxStore
  readonly jobs: Pick<JobService, 'send' | 'list'>
  readonly isEnabled: boolean
  readonly overdueMs: number
}

export function createEvents({ outbox, jobs, isEnabled, overdueMs }: EventsDependencies): Events {
  async function status(): Promise<DeliveryStatus> {
    const [{ waiting, refused: setAside }, { readAt, ...state }, nextTryAt] = await Promise.all([
      outbox.backlog(),
      outbox.readState(),
      findNextTry(jobs)
    ])
    return { enabled: isEnabled, waiting, setAside, ...state, nextTryAt }
  }

  return {
    status,
    async deliver() {
      assertEnabled(isEnabled)
      await deliverNow({ outbox, jobs })
      return status()
    },
    listSetAside: query => readPage(query, wanted => outbox.listSetAside(wanted)),
    async deliverOne(id) {
      assertEnabled(isEnabled)
      const event = await outbox.hastenOne(id)
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
export async function deliverNow({
  outbox,
  jobs
}: Pick<EventsDependencies, 'outbox'> & { readonly jobs: Pick<JobService, 'send'> }): Promise<void> {
  await outbox.hasten()
  await jobs.send('webhook.deliver', {}, { now: true })
}

async function findNextTry(jobs: Pick<JobService, 'list'>): Promise<Date | undefined> {
  const pages = await Promise.all(
    (['waiting', 'retrying'] as const).map(state => jobs.list({ kind: 'webhook.deliver', state, limit: 1 }))
  )
  const times = pages.flatMap(({ items }) => items.flatMap(({ nextTryAt }) => nextTryAt ?? []))
  return times.sort((a, b) => a.getTime() - b.getTime())[0]
}
