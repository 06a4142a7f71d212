import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Authorities } from '../authorities/authority.ts'
import type { Lines, LineState } from '../authorities/lines.ts'
import type { AuthorityWarning } from '../authorities/rotation/warnings.ts'
import { daysUntil } from '../pki/der/time.ts'
import type { Clock } from '../sources/clock.ts'

/** `issued`, `replayed`, or the code of the error; profile and line where they are known ones. */
interface AnsweredRequest {
  readonly outcome: string
  readonly profile?: string
  readonly line?: string
}

export interface Metrics {
  readonly registry: Registry
  /** One answered request for a certificate. */
  observeIssuance(answered: AnsweredRequest, seconds: number): void
  /** One committed group: of intents and certificates, or of refusals. */
  observeGroup(kind: 'cycle' | 'refusal', size: number, seconds: number): void
  /** One look at a record that somebody changed. */
  observeDamage(): void
  /** One refusal that was not recorded but counted. */
  observeCounted(reason: string): void
  setOpenIntents(count: number): void
  /** One question to a manufacturing execution system. */
  observeMes(mes: string, verdict: string, seconds: number): void
}

export interface MetricsDependencies {
  readonly authorities: Pick<Authorities, 'list'>
  readonly lines: Pick<Lines, 'judgeAll'>
  readonly listWarnings: () => Promise<readonly AuthorityWarning[]>
  readonly clock: Clock
}

/** All that `/metrics` shows. Labels are closed lists and configured names: no label grows with the traffic. */
export function createMetrics(dependencies: MetricsDependencies): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const issuances = new Counter({
    name: 'mintline_issuances_total',
    help: 'Requests for a certificate by outcome: issued, replayed, or the error code; with profile and authority line where the request came as far.',
    labelNames: ['outcome', 'profile', 'line'],
    registers
  })
  const durations = new Histogram({
    name: 'mintline_issuance_duration_seconds',
    help: 'From the parsed request to the recorded certificate or refusal.',
    labelNames: ['outcome'],
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers
  })
  addEventLoopMetric(registers)
  addAuthorityMetrics(registers, dependencies)
  addLineMetrics(registers, dependencies)
  return {
    registry,
    observeIssuance({ outcome, profile = '', line = '' }, seconds) {
      issuances.inc({ outcome, profile, line })
      durations.observe(
        { outcome: outcome === 'issued' || outcome === 'replayed' ? outcome : 'refused' },
        seconds
      )
    },
    ...createMesMetrics(registers),
    ...createGroupMetrics(registers),
    ...createRecordMetrics(registers)
  }
}

function createMesMetrics(registers: Registry[]): Pick<Metrics, 'observeMes'> {
  const durations = new Histogram({
    name: 'mintline_mes_duration_seconds',
    help: 'From the question to a manufacturing execution system to its verdict: allow, deny, unavailable for none, early where it was not sent.',
    labelNames: ['mes', 'verdict'],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers
  })
  return { observeMes: (mes, verdict, seconds) => durations.observe({ mes, verdict }, seconds) }
}

function createGroupMetrics(registers: Registry[]): Pick<Metrics, 'observeGroup'> {
  const sizes = new Histogram({
    name: 'mintline_commit_group_size',
    help: 'Rows that shared one durable commit.',
    labelNames: ['kind'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers
  })
  const durations = new Histogram({
    name: 'mintline_commit_group_duration_seconds',
    help: 'Duration of one durable commit.',
    labelNames: ['kind'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers
  })
  return {
    observeGroup(kind, size, seconds) {
      sizes.observe({ kind }, size)
      durations.observe({ kind }, seconds)
    }
  }
}

type RecordMetrics = Pick<Metrics, 'observeDamage' | 'observeCounted' | 'setOpenIntents'>

function createRecordMetrics(registers: Registry[]): RecordMetrics {
  const damaged = new Counter({
    name: 'mintline_damaged_records_total',
    help: 'Times that a certificate on record was found to be another than was recorded. Each wants looking into.',
    registers
  })
  const openIntents = new Gauge({
    name: 'mintline_open_intents_at_start',
    help: 'Intents without a record when the service started: outcome unknown until the station retries.',
    registers
  })
  const counted = new Counter({
    name: 'mintline_refusals_counted_total',
    help: 'Refusals that were not recorded one by one but counted: repeats, those beyond the limit of a station, those without room in the database.',
    labelNames: ['reason'],
    registers
  })
  return {
    observeDamage: () => damaged.inc(),
    observeCounted: reason => counted.inc({ reason }),
    setOpenIntents: count => openIntents.set(count)
  }
}

/** Whatever else the machine does, this thread's time is what requests wait for. */
function addEventLoopMetric(registers: Registry[]): void {
  new Counter({
    name: 'mintline_event_loop_cpu_seconds_total',
    help: 'CPU time of the thread that serves all requests.',
    registers,
    collect() {
      const { user, system } = process.threadCpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    }
  })
}

/** Read when they are asked for. */
function addAuthorityMetrics(
  registers: Registry[],
  { authorities, listWarnings, clock }: MetricsDependencies
): void {
  new Gauge({
    name: 'mintline_authority_days_left',
    help: 'Days until the CA certificate of an active generation expires, or the first of those above it.',
    labelNames: ['authority'],
    registers,
    collect() {
      this.reset()
      for (const { name, state, path } of authorities.list()) {
        const daysLeft = daysUntil(path.notAfter, clock())
        if (state === 'active') this.set({ authority: name }, daysLeft)
      }
    }
  })
  new Gauge({
    name: 'mintline_authority_warning',
    help: '1 for each thing that is amiss with an authority although every active key can sign.',
    labelNames: ['authority', 'kind'],
    registers,
    async collect() {
      const warnings = await listWarnings().catch(() => [])
      this.reset()
      for (const { authority, kind } of warnings) this.set({ authority, kind }, 1)
    }
  })
}

/** Read when they are asked for; a key store that does not answer keeps no scrape waiting for longer than `judgeAll`. */
function addLineMetrics(registers: Registry[], { lines }: MetricsDependencies): void {
  new Gauge({
    name: 'mintline_line_ready',
    help: '1 while the authority line can issue, else 0.',
    labelNames: ['line'],
    registers,
    async collect() {
      const states = await lines.judgeAll()
      this.reset()
      for (const { line, obstacle } of states) this.set({ line }, obstacle === undefined ? 1 : 0)
    }
  })
  new Gauge({
    name: 'mintline_signers_usable',
    help: '1 while the keys of all active generations can sign, else 0.',
    registers,
    async collect() {
      const states = await lines.judgeAll()
      this.set(states.every(canSign) ? 1 : 0)
    }
  })
}

/** Also where no generation is active, and where its certificate has ended. */
function canSign({ authority, obstacle }: LineState): boolean {
  return authority === undefined || obstacle === undefined || obstacle.code === 'authority_expires_first'
}
