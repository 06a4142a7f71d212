import { readFileSync } from 'node:fs'
import type { Database } from '../database/database.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import type { JobHandlers, JobQueue } from '../jobs/queue.ts'
import type { Clock } from '../sources/clock.ts'
import { newId } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { createDelivery } from './delivery.ts'
import type { EventType } from './event-type.ts'
import { type Backlog, createOutboxStore } from './outbox-store.ts'
import { answerTimeoutMs, createReceiver } from './receiver/receiver.ts'
import { parseWebhookSecret } from './receiver/signature.ts'

interface WebhookSettings {
  readonly url: string
  readonly secretFile: string
  readonly allowsPrivate: boolean
  readonly eventTypes: readonly EventType[]
}

export interface WebhookDependencies {
  readonly database: Database
  /** Undefined: nobody is told of anything. What is owed from earlier stays. */
  readonly settings: WebhookSettings | undefined
  readonly version: string
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export interface Webhook {
  readonly isEnabled: boolean
  /** For the job queue. */
  readonly handlers: JobHandlers
  /** What waits to be sent. @throws MintlineError `database_unavailable`. */
  backlog(): Promise<Backlog>
}

/**
 * From its return on, what is recorded owes an event, if the settings name a webhook.
 *
 * @throws MintlineError `config_invalid` for a secret that cannot be used; `database_unavailable`.
 */
export async function createWebhook(dependencies: WebhookDependencies): Promise<Webhook> {
  const { database, settings, version, clock, randomBytes } = dependencies
  const outbox = createOutboxStore(database)
  const key = settings && loadWebhookKey(settings.secretFile)
  const now = clock()
  await outbox.subscribe(
    { enabled: settings !== undefined, eventTypes: settings?.eventTypes ?? [] },
    newId(now, randomBytes),
    now
  )
  const { backlog } = outbox
  if (settings === undefined || key === undefined) return { isEnabled: false, handlers: {}, backlog }
  const { readTime } = outbox
  const { url, allowsPrivate } = settings
  const receiver = createReceiver({ url, allowsPrivate, key, timeoutMs: answerTimeoutMs, version, readTime })
  const deliver = createDelivery({ outbox, receiver, clock, randomBytes })
  return { isEnabled: true, handlers: { 'webhook.deliver': (_data, signal) => deliver(signal) }, backlog }
}

/** @throws MintlineError `config_invalid`. */
export function loadWebhookKey(secretFile: string): Uint8Array {
  const refuse = (found: string, cause?: unknown) =>
    new MintlineError('config_invalid', 'The secret of the webhook cannot be used.', {
      violations: [
        {
          pointer: 'MINTLINE_WEBHOOK_SECRET_FILE',
          expected: 'a file whose first line is whsec_ and the base64 of 24 to 64 octets',
          found,
          message: 'Write the secret into it, or name another file.'
        }
      ],
      cause
    })
  try {
    const [line = ''] = readFileSync(secretFile, 'utf8').split(/\r?\n/, 1)
    const key = parseWebhookSecret(line)
    if (key !== undefined) return key
  } catch (error) {
    throw refuse(`${secretFile}, which cannot be read`, error)
  }
  throw refuse(`${secretFile}, without one`)
}

const nudgePauseMs = 1_000

export interface Nudge {
  /** Sees to it that events that were just recorded are sent soon; also when called very often. */
  give(): void
  close(): void
}

/** Sends the job at once, and at most once a second. What is missed for an error, the next minute brings. */
export function createNudge(jobs: JobQueue, onError: (error: unknown) => void): Nudge {
  let timer: NodeJS.Timeout | undefined
  let isAsked = false

  function give(): void {
    if (timer !== undefined) {
      isAsked = true
      return
    }
    isAsked = false
    jobs.send('webhook.deliver', {}).catch(onError)
    timer = setTimeout(() => {
      timer = undefined
      if (isAsked) give()
    }, nudgePauseMs)
  }

  return { give, close: () => clearTimeout(timer) }
}
