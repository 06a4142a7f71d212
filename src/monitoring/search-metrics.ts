import { Gauge, type Registry } from 'prom-client'

/** How many seconds the search is behind; undefined where nobody knows. */
export interface MeasuredLag {
  measure(): Promise<number | undefined>
}

/** Read when it is asked for. While the database is away it is not a number: nobody knows. */
export function addSearchMetrics(registry: Registry, lag: MeasuredLag): void {
  new Gauge({
    name: 'mintline_search_lag_seconds',
    help: 'How long ago all records were last seen to be filled in for the search: some seconds where all is well.',
    registers: [registry],
    async collect() {
      this.set((await lag.measure().catch(() => undefined)) ?? Number.NaN)
    }
  })
}
