import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'
import { fetchDocument } from './fetching.ts'
import { isProviderUrl, type ProviderSettings } from './settings.ts'

/** Public keys as they were at one time. */
export interface KeySet {
  readonly find: LocalJWKSet
  readonly count: number
  /** The same for the same keys. */
  readonly text: string
}

export type FetchKeys = (
  settings: Pick<ProviderSettings, 'issuer' | 'caPem'>,
  signal: AbortSignal
) => Promise<KeySet>

/** A provider has two or three, and some ten while they change. */
const maximumKeys = 100

/**
 * The keys that the provider publishes: its metadata name the place (OpenID Connect Discovery 1.0 §4).
 *
 * @throws Error whose message is for the operator, and is given to whoever asks: it holds nothing that was answered.
 */
export const fetchKeys: FetchKeys = async ({ issuer, caPem }, signal) => {
  const metadataUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = (await fetchDocument(metadataUrl, { signal, caPem })) as Metadata | null
  if (metadata?.issuer !== issuer) {
    throw new Error(
      `${metadataUrl} is of another issuer; MINTLINE_OIDC_ISSUER must be as it says, to the slash.`
    )
  }
  const { jwks_uri: place } = metadata
  if (typeof place !== 'string' || !isProviderUrl(place))
    throw new Error(`${metadataUrl} names no https:// address of keys (jwks_uri).`)
  return readKeySet(await fetchDocument(place, { signal, caPem }), metadataUrl)
}

interface Metadata {
  readonly issuer?: unknown
  readonly jwks_uri?: unknown
}

function readKeySet(document: unknown, metadataUrl: string): KeySet {
  const keys = (document as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > maximumKeys)
    throw new Error(`The jwks_uri of ${metadataUrl} does not answer with 1 to ${maximumKeys} keys.`)
  try {
    return {
      find: createLocalJWKSet({ keys: keys as JWK[] }),
      count: keys.length,
      text: JSON.stringify(keys)
    }
  } catch (cause) {
    throw new Error(`The jwks_uri of ${metadataUrl} does not answer with a set of keys (RFC 7517).`, {
      cause
    })
  }
}
