import { Gauge, type Registry } from 'prom-client'
import type { Backlog, OutboxStore } from '../events/outbox-store.ts'
import type { JobService } from '../jobs/queue.ts'

export interface JobMetricsDependencies {
  readonly registry: Registry
  readonly jobs: Pick<JobService, 'count'>
  readonly outbox: Pick<OutboxStore, 'backlog'>
}

/** Read when they are asked for. While the database is away they stay what they were. */
export function addJobMetrics({ registry, jobs, outbox }: JobMetricsDependencies): void {
  const registers = [registry]
  new Gauge({
    name: 'mintline_jobs',
    help: 'Jobs by kind and state: waiting (for a first or another try), running, failed.',
    labelNames: ['job', 'state'],
    registers,
    async collect() {
      const counts = await jobs.count().catch(() => new Map<string, never>())
      for (const [job, { waiting, running, failed }] of counts) {
        this.set({ job, state: 'waiting' }, waiting)
        this.set({ job, state: 'running' }, running)
        this.set({ job, state: 'failed' }, failed)
      }
    }
  })
  const addBacklogMetric = (name: string, help: string, valueOf: (backlog: Backlog) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const backlog = await outbox.backlog().catch(() => undefined)
        if (backlog !== undefined) this.set(valueOf(backlog))
      }
    })
  addBacklogMetric(
    'mintline_webhook_waiting_events',
    'Events that the webhook has not taken yet. Not more than 100000 are counted.',
    ({ waiting }) => waiting
  )
  addBacklogMetric(
    'mintline_webhook_set_aside_events',
    'Those of them that failed by themselves while others passed; they are tried again with long pauses.',
    ({ refused }) => refused
  )
  addBacklogMetric(
    'mintline_webhook_oldest_event_seconds',
    'How long the oldest of those that are not set aside has been waiting; 0 when none does.',
    ({ oldestOwedAt, countedAt }) =>
      oldestOwedAt === undefined ? 0 : Math.max(0, (countedAt.getTime() - oldestOwedAt.getTime()) / 1000)
  )
}
