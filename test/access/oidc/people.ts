import { createPeople, type PeopleDependencies } from '../../../src/access/oidc/people.ts'
import type { ProviderSettings } from '../../../src/access/oidc/provider/settings.ts'
import { silentLog } from '../../support/silent-log.ts'
import { audience } from './provider.ts'

/** Settings as an operator would have them. */
function settingsFor(issuer: string, change: Partial<ProviderSettings> = {}): ProviderSettings {
  return {
    issuer,
    audience,
    algorithms: ['ES256', 'RS256', 'PS256'],
    tokenTypes: ['at+jwt'],
    clients: [],
    clockToleranceSeconds: 30,
    nameClaim: 'sub',
    roleClaim: 'roles',
    roles: { boss: 'admin', foreman: 'operator', quality: 'auditor', screen: 'display' },
    linesClaim: undefined,
    ...change
  }
}

/** A stopwatch that a test moves on. */
export function manualStopwatch() {
  let now = 0
  return { stopwatch: () => now, pass: (ms: number) => void (now += ms) }
}

export function peopleOf(
  issuer: string,
  change: Partial<ProviderSettings> = {},
  dependencies: Partial<PeopleDependencies> = {}
) {
  const settings = settingsFor(issuer, change)
  return createPeople({ settings, clock: () => new Date(), log: silentLog, ...dependencies })
}
