import { readFile } from 'node:fs/promises'
import type { People } from '../../access/oidc/people.ts'
import type { ProviderSettings } from '../../access/oidc/provider/settings.ts'
import type { Config } from '../../config/config.ts'
import type { Core } from '../core.ts'

/** Undefined where the settings name no identity provider. @throws the error of the file system */
export async function providerSettingsOf(config: Config): Promise<ProviderSettings | undefined> {
  const { oidcIssuer: issuer, oidcAudience: audience, oidcRoles: roles, oidcCaFile } = config
  if (issuer === undefined || audience === undefined || roles === undefined) return undefined
  return {
    issuer,
    audience,
    roles,
    algorithms: config.oidcAlgorithms,
    tokenTypes: config.oidcTokenTypes,
    clients: config.oidcClients,
    clockToleranceSeconds: config.oidcClockToleranceSeconds,
    nameClaim: config.oidcNameClaim,
    roleClaim: config.oidcRoleClaim,
    linesClaim: config.oidcLinesClaim,
    caPem: oidcCaFile === undefined ? undefined : await readFile(oidcCaFile, 'utf8')
  }
}

/**
 * The people of the identity provider that the settings name; undefined where they name none. The service starts whether
 * the provider answers or not: stations do not need it.
 */
export async function openPeople(
  { config, clock, log }: Pick<Core, 'config' | 'clock' | 'log'>,
  stops: AsyncDisposableStack
): Promise<People | undefined> {
  const settings = await providerSettingsOf(config)
  if (settings === undefined) return undefined
  const { createPeople } = await import('../../access/oidc/people.ts')
  const people = createPeople({ settings, clock, log })
  stops.defer(() => people.close())
  void people.prepare()
  return people
}
