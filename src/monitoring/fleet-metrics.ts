import { Gauge, type Registry } from 'prom-client'
import { measuredOnce } from './measured-once.ts'

/** Of one CA in one account and region of AWS IoT, or of a CA as a whole. */
interface PlaceFacts {
  readonly authority: string
  readonly accountAlias: string | null
  readonly region: string | null
  readonly findings: Readonly<Partial<Record<string, number>>>
  readonly openAlarms: number
  readonly lookedAt: Date | null
}

const labelNames = ['authority', 'account', 'region'] as const
const labelsOf = ({ authority, accountAlias, region }: PlaceFacts) => ({
  authority,
  account: accountAlias ?? '',
  region: region ?? ''
})

/** Read when they are asked for. While the database is away there are none: nobody knows. */
export function addFleetMetrics(
  registry: Registry,
  fleet: { readonly summarize: () => Promise<readonly PlaceFacts[]> }
): void {
  const measure = measuredOnce(() => fleet.summarize())
  const registers = [registry]
  new Gauge({
    name: 'mintline_fleet_findings',
    help: 'What AWS IoT and the record did not agree on at the last look, by kind. Not more than 100000 are counted.',
    labelNames: [...labelNames, 'kind'],
    registers,
    async collect() {
      const all = await measure()
      this.reset()
      for (const facts of all)
        for (const [kind, count = 0] of Object.entries(facts.findings))
          this.set({ ...labelsOf(facts), kind }, count)
    }
  })
  new Gauge({
    name: 'mintline_fleet_alarms',
    help: 'Alarms of the fleet that nobody has acknowledged. Each wants looking into at once.',
    labelNames,
    registers,
    async collect() {
      const all = await measure()
      this.reset()
      for (const facts of all) this.set(labelsOf(facts), facts.openAlarms)
    }
  })
  new Gauge({
    name: 'mintline_fleet_looked_timestamp_seconds',
    help: 'When the last look at the fleet went through; not there where none has.',
    labelNames,
    registers,
    async collect() {
      const all = await measure()
      this.reset()
      for (const facts of all)
        if (facts.lookedAt !== null) this.set(labelsOf(facts), facts.lookedAt.getTime() / 1_000)
    }
  })
}
