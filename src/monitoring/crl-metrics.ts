import { Gauge, type Registry } from 'prom-client'
import type { CrlFacts } from '../status/crl/crls.ts'

type Told = Exclude<keyof CrlFacts, 'authority'>

const gauges: Readonly<Record<Told, readonly [name: string, help: string]>> = {
  number: ['mintline_crl_number', 'cRLNumber of the newest CRL of each generation.'],
  entries: ['mintline_crl_entries', 'Certificates that it says are revoked or on hold.'],
  ageSeconds: ['mintline_crl_age_seconds', 'Since its thisUpdate.'],
  secondsToNextUpdate: [
    'mintline_crl_next_update_seconds',
    'Until its nextUpdate; below 0 it counts for nobody.'
  ],
  lagSeconds: [
    'mintline_crl_publication_lag_seconds',
    'Since the oldest revocation that it does not say: below 10 where all is well.'
  ]
}

/** Read when they are asked for. While the database is away there are none: nobody knows. */
export function addCrlMetrics(
  registry: Registry,
  crls: { readonly measure: () => Promise<readonly CrlFacts[]> }
): void {
  let measuring: Promise<readonly CrlFacts[]> | undefined
  // One question for all of them.
  const measureOnce = () =>
    (measuring ??= crls
      .measure()
      .catch(() => [])
      .finally(() => (measuring = undefined)))
  for (const [member, [name, help]] of Object.entries(gauges) as [Told, readonly [string, string]][]) {
    new Gauge({
      name,
      help,
      labelNames: ['authority'],
      registers: [registry],
      async collect() {
        const facts = await measureOnce()
        this.reset()
        for (const each of facts) this.set({ authority: each.authority }, each[member])
      }
    })
  }
}
