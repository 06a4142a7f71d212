import { Counter, Gauge, type Registry } from 'prom-client'
import { measuredOnce } from './measured-once.ts'

/** Of one CA in one account and region of AWS IoT. */
interface PushFacts {
  readonly authority: string
  readonly accountAlias: string
  readonly region: string
  readonly waiting: number
  readonly unseen: number
  readonly refused: number
  readonly waitingSeconds: number
  readonly pushed: number
  readonly drifts: number
  readonly leftOut: number
  readonly failingSeconds: number | null
}

const labelNames = ['authority', 'account', 'region'] as const
const labelsOf = ({ authority, accountAlias: account, region }: PushFacts) => ({ authority, account, region })
const states = ['waiting', 'unseen', 'refused'] as const

const gauges: Readonly<
  Record<string, { readonly help: string; readonly valueOf: (facts: PushFacts) => number }>
> = {
  mintline_aws_push_waiting_seconds: {
    help: 'Since the first of the revocations that AWS IoT is still to be told of; 0 where none waits.',
    valueOf: ({ waitingSeconds }) => waitingSeconds
  },
  mintline_aws_push_failing_seconds: {
    help: 'For how long AWS IoT could not be told; 0 where it can.',
    valueOf: ({ failingSeconds }) => failingSeconds ?? 0
  },
  mintline_aws_push_left_out: {
    help: 'Certificates that are revoked or on hold, and that AWS IoT cannot be told of, since their months are detached.',
    valueOf: ({ leftOut }) => leftOut
  }
}

const counters: typeof gauges = {
  mintline_aws_push_done_total: {
    help: 'Changes of a certificate at AWS IoT that a revocation, a hold or its end asked for.',
    valueOf: ({ pushed }) => pushed
  },
  mintline_aws_push_drifts_total: {
    help: 'Times that somebody else had let a revoked certificate in again at AWS IoT. Each wants looking into.',
    valueOf: ({ drifts }) => drifts
  }
}

/** Read when they are asked for. While the database is away there are none: nobody knows. */
export function addPushMetrics(
  registry: Registry,
  pushes: { readonly measure: () => Promise<readonly PushFacts[]> }
): void {
  const measure = measuredOnce(() => pushes.measure())
  const registers = [registry]
  new Gauge({
    name: 'mintline_aws_pushes',
    help: 'Certificates by what is left to tell AWS IoT of them: waiting, never seen there, refused by it. Not more than 100000 are counted.',
    labelNames: [...labelNames, 'state'],
    registers,
    async collect() {
      const all = await measure()
      this.reset()
      for (const facts of all)
        for (const state of states) this.set({ ...labelsOf(facts), state }, facts[state])
    }
  })
  for (const [name, { help, valueOf }] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const all = await measure()
        this.reset()
        for (const facts of all) this.set(labelsOf(facts), valueOf(facts))
      }
    })
  }
  for (const [name, { help, valueOf }] of Object.entries(counters)) {
    new Counter({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const all = await measure()
        this.reset()
        for (const facts of all) this.inc(labelsOf(facts), valueOf(facts))
      }
    })
  }
}
