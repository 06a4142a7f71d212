import { providerSettingsOf } from '../../composition/sign-in/people.ts'
import type { Config } from '../../config/config.ts'

const timeoutMs = 5_000

/**
 * Tries the identity provider of the settings, for `check-config`. The service starts without it, so that nothing is
 * thrown.
 *
 * @returns what there is to say; empty where none is named.
 */
export async function describeProvider(config: Config): Promise<string> {
  const settings = await providerSettingsOf(config)
  if (settings === undefined) return ''
  const { fetchKeys } = await import('../../access/oidc/provider/document.ts')
  try {
    const { count } = await fetchKeys(settings, AbortSignal.timeout(timeoutMs))
    return `Identity provider: ${settings.issuer} answers. It has ${count} ${count === 1 ? 'key' : 'keys'}.\n`
  } catch (error) {
    const what = error instanceof Error ? error.message : 'its keys cannot be had.'
    return `Identity provider: nobody can sign in by it now. ${what}\n`
  }
}
