import {
  addCrlMetrics,
  addDeltaMetrics,
  addPublicationMetrics,
  addShardMetrics
} from '../../monitoring/crl-metrics.ts'
import { createCrlStore } from '../../status/crl/crl-store.ts'
import { createCrls, type Crls } from '../../status/crl/crls.ts'
import { type CrlDutyOptions, startCrlDuty } from '../../status/crl/making/crl-duty.ts'
import { createMakingStore } from '../../status/crl/making/making-store.ts'
import { createShardStore } from '../../status/crl/making/shard-store.ts'
import type { Publications } from '../../status/crl/publishing/publications.ts'
import { crlDeltaPath } from '../../status/crl/scope.ts'
import type { Core } from '../core.ts'
import { openPublications } from './publishing.ts'

const hourMs = 60 * 60_000

/** What hands out CRLs. */
export function openCrls(core: Core, registry: Parameters<typeof addCrlMetrics>[0]): Crls {
  const { config, database, authorities, clock } = core
  const overlapMs = config.crlOverlapHours * hourMs
  const crls = createCrls({ store: createCrlStore(database), authorities, overlapMs, clock })
  addCrlMetrics(registry, crls)
  addShardMetrics(registry, crls)
  addDeltaMetrics(registry, crls)
  const publications = openPublications(core)
  addPublicationMetrics(registry, publications)
  return { ...crls, examine: () => examineBoth(crls, publications) }
}

/** Whether they are made, and are where they are to be. */
async function examineBoth(crls: Crls, publications: Publications) {
  const [{ ok, detail }, faults] = await Promise.all([crls.examine(), publications.faults()])
  if (faults.length === 0) return { ok, detail }
  return { ok: false, detail: [...(ok ? [] : [detail]), `${faults.join('; ')}.`].join(' ') }
}

/** What makes them. */
export function startMakingCrls(core: Core): ReturnType<typeof startCrlDuty> {
  return startCrlDuty(crlDutyOptions(core))
}

export function crlDutyOptions({ config, database, ...core }: Core): CrlDutyOptions {
  const periods = { validityMs: config.crlValidityHours * hourMs, overlapMs: config.crlOverlapHours * hourMs }
  const { publicUrl, crlDeltaBaseSeconds } = config
  return {
    ...core,
    store: createMakingStore(database),
    shards: createShardStore(database),
    periods,
    publicUrl,
    deltas:
      publicUrl === undefined || crlDeltaBaseSeconds === 0
        ? undefined
        : {
            baseMs: crlDeltaBaseSeconds * 1000,
            urlOf: (generation, part) => `${publicUrl}${crlDeltaPath(generation, part)}`
          }
  }
}
