import { isIP } from 'node:net'
import type { Role } from '../../principal.ts'

/**
 * Algorithms of signatures that a JWT may have (RFC 7518 §3.1, RFC 8037, RFC 9864): those whose key to verify is public.
 * With `none` or one of HMAC, whoever knows what verifies could sign.
 */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519'
] as const
type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

/**
 * What the header may call a token (`typ`): `at+jwt` is an access token of RFC 9068; `JWT`, which a token without `typ`
 * counts as, says nothing, and is what many providers write.
 */
export const tokenTypes = ['at+jwt', 'JWT'] as const
type TokenType = (typeof tokenTypes)[number]

/** Roles that people have. Who asks for certificates has a token of its own, on record with each. */
export const personRoles = ['display', 'auditor', 'operator', 'admin'] as const satisfies readonly Role[]
export type PersonRole = (typeof personRoles)[number]

/** Whose tokens are taken, and what is read in them. */
export interface ProviderSettings {
  /** Its identifier, as it stands in `iss`: a URL without a slash at its end that it does not have there. */
  readonly issuer: string
  /** One of the token's audiences (`aud`): this service, as the provider knows it. */
  readonly audience: string
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly tokenTypes: readonly TokenType[]
  /** Clients whose tokens are taken; empty for all to which the provider gives some for the audience. */
  readonly clients: readonly string[]
  readonly clockToleranceSeconds: number
  /** A claim is a member's name, or a JSON pointer (RFC 6901) where it begins with a slash. */
  readonly nameClaim: string
  readonly roleClaim: string
  /** What stands in the role claim → the role that it gives. */
  readonly roles: Readonly<Record<string, PersonRole>>
  /** Undefined: nobody is held to lines. */
  readonly linesClaim?: string | undefined
  /** PEM of the CAs that the provider's TLS certificate may be of, and no others; undefined for those of the system. */
  readonly caPem?: string | undefined
}

/** What comes from it decides who is let in: nobody on the way may write it. */
export function isProviderUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isThisMachine(url.hostname))
}

function isThisMachine(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  )
}
