import type { AuthorityWarning } from '../../authorities/rotation/warnings.ts'
import type { Config } from '../../config/config.ts'
import type { DatabaseLog } from '../../database/database-log.ts'
import type { Profiles } from '../../profiles/profile.ts'
import { asksForAddresses } from '../../profiles/status-addresses/status-addresses.ts'
import type { ProfileVersion } from '../../profiles/version.ts'

/** Those that certificates may name: the one of today, if there is one, and former ones. */
export function publicUrlsOf({
  publicUrl,
  formerPublicUrls = []
}: Pick<Config, 'publicUrl' | 'formerPublicUrls'>): readonly string[] {
  return publicUrl === undefined ? formerPublicUrls : [publicUrl, ...formerPublicUrls]
}

/** Of profiles whose certificates are to name addresses of a service that has none: their stations get nothing. */
export function unaddressedWarnings(
  profiles: readonly Pick<ProfileVersion, 'document'>[],
  publicUrl: string | undefined
): readonly AuthorityWarning[] {
  if (publicUrl !== undefined) return []
  return profiles
    .filter(({ document }) => asksForAddresses(document))
    .map(({ document: { name, authority } }) => ({
      kind: 'public_url_missing',
      authority,
      message: `MINTLINE_PUBLIC_URL is not set, and certificates of profile ${name} are to name addresses under it: its stations get nothing`
    }))
}

interface Started {
  readonly profiles: Pick<Profiles, 'list'>
  readonly config: Pick<Config, 'publicUrl'>
  readonly log: Pick<DatabaseLog, 'warn'>
}

/** Such profiles were posted before the setting was taken away. @throws MintlineError `database_unavailable`. */
export async function tellUnaddressed({ profiles, config, log }: Started): Promise<void> {
  for (const { authority, message } of unaddressedWarnings(await profiles.list(), config.publicUrl))
    log.warn({ authority }, message)
}
