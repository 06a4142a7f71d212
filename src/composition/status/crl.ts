import { addCrlMetrics } from '../../monitoring/crl-metrics.ts'
import { createCrlStore } from '../../status/crl/crl-store.ts'
import { createCrls, type Crls } from '../../status/crl/crls.ts'
import { type CrlDutyOptions, startCrlDuty } from '../../status/crl/making/crl-duty.ts'
import { createMakingStore } from '../../status/crl/making/making-store.ts'
import type { Core } from '../core.ts'

const hourMs = 60 * 60_000

/** What hands out CRLs. */
export function openCrls(
  { config, database, authorities, clock }: Core,
  registry: Parameters<typeof addCrlMetrics>[0]
): Crls {
  const overlapMs = config.crlOverlapHours * hourMs
  const crls = createCrls({ store: createCrlStore(database), authorities, overlapMs, clock })
  addCrlMetrics(registry, crls)
  return crls
}

/** What makes them. */
export function startMakingCrls(core: Core): ReturnType<typeof startCrlDuty> {
  return startCrlDuty(crlDutyOptions(core))
}

export function crlDutyOptions({ config, database, ...core }: Core): CrlDutyOptions {
  const periods = { validityMs: config.crlValidityHours * hourMs, overlapMs: config.crlOverlapHours * hourMs }
  return { ...core, store: createMakingStore(database), periods }
}
