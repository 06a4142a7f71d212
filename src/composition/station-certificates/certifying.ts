import { tokenRevoked } from '../../audit/audit-event.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import { createTurns } from '../../factory/stations/turns.ts'
import type { WeakKeys } from '../../factory/weak-keys/weak-keys.ts'
import { createStationCertificateStore } from '../../station-certificates/certificate-store.ts'
import { createStationCertifying } from '../../station-certificates/certifying.ts'
import { switchedOff } from '../../station-certificates/refusals.ts'
import type { StationCertifying } from '../../station-certificates/station-certificate.ts'
import type { Core } from '../core.ts'

interface KeyChecks {
  readonly blockedKeys: Pick<BlockedKeys, 'refusalOf'>
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
}

/** Gives stations their own certificates, where the settings say so. */
export function openStationCertifying(core: Core, keyChecks: KeyChecks): StationCertifying {
  const { config, database, stationProfiles, stations, stationCertificates, tokens } = core
  if (!config.stationCertificates) {
    return {
      certify: () => Promise.reject(switchedOff()),
      findStanding: async () => undefined
    }
  }
  return createStationCertifying({
    ...core,
    ...keyChecks,
    store: createStationCertificateStore(database),
    profiles: stationProfiles,
    findStationId: async name => (await stations.find(name)).id,
    async whyEnded(credential) {
      const end = await stationCertificates.whyEnded(credential)
      return (end === 'unknown' ? await tokens.whyEnded(credential) : end) ?? tokenRevoked()
    },
    inTurn: createTurns(),
    onIssue: () => stationCertificates.forget()
  })
}
