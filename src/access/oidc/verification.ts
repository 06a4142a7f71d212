import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters
} from 'jose'
import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import type { KeySet } from './provider/document.ts'
import type { ProviderSettings } from './provider/settings.ts'
import { jwtExpired, jwtRefused, malformedJwt, providerUnavailable } from './refusals.ts'

export type Claims = JWTPayload & { readonly exp: number; readonly sub: string }

export interface VerificationDependencies {
  readonly settings: ProviderSettings
  readonly keys: {
    current(): Promise<KeySet>
    after(seen: KeySet): Promise<KeySet>
  }
}

export interface Verified {
  readonly claims: Claims
  /** Those by which it was. */
  readonly keys: KeySet
}

/**
 * Verifies a JWT as an access token for this service: signature, issuer, audience, times (RFC 7519 §4.1), and that it is
 * no ID token and bound to nothing that a bearer does not show (RFC 9068 §4, RFC 8725).
 *
 * @throws MintlineError `jwt_refused` with the check that failed; `token_expired`; `identity_provider_unavailable`.
 */
export async function verifyJwt(
  jwt: string,
  { settings, keys }: VerificationDependencies,
  now: Date
): Promise<Verified> {
  const { header, claims: said } = read(jwt)
  // Before anything is fetched for it. It says so itself, and is verified below.
  checkHeader(header, settings)
  checkIssuer(said, settings)
  const known = await keys.current()
  const verifyBy = async (by: KeySet): Promise<Verified> => {
    const { payload } = await jwtVerify(jwt, by.find, {
      algorithms: [...settings.algorithms],
      issuer: settings.issuer,
      audience: settings.audience,
      clockTolerance: settings.clockToleranceSeconds,
      currentDate: now,
      requiredClaims: ['exp', 'sub']
    })
    return { claims: payload as Claims, keys: by }
  }
  try {
    const verified = await verifyBy(known).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = await keys.after(known)
      if (newer === known) throw error
      return verifyBy(newer)
    })
    checkClaims(verified.claims, settings, now)
    return verified
  } catch (error) {
    throw explain(error, header, said) ?? error
  }
}

interface ReadJwt {
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

function read(jwt: string): ReadJwt {
  try {
    return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) }
  } catch {
    throw malformedJwt()
  }
}

const askAdministrator = 'Ask the administrator of Mintline, who compares it with the settings.'

function checkHeader(
  { alg, typ }: ProtectedHeaderParameters,
  { algorithms, tokenTypes }: ProviderSettings
): void {
  if (!algorithms.some(each => each === alg)) {
    throw jwtRefused({
      pointer: '/header/alg',
      expected: 'an algorithm of MINTLINE_OIDC_ALGORITHMS',
      found: alg,
      message: askAdministrator
    })
  }
  const type = String(typ ?? 'JWT')
    .toLowerCase()
    .replace(/^application\//, '')
  if (tokenTypes.some(each => each.toLowerCase() === type)) return
  throw jwtRefused({
    pointer: '/header/typ',
    expected: 'a type of MINTLINE_OIDC_TOKEN_TYPES',
    found: typ,
    message: 'Send the access token, not the ID token. Where it is, ask the administrator of Mintline.'
  })
}

function checkIssuer({ iss }: JWTPayload, { issuer }: ProviderSettings): void {
  if (iss === issuer) return
  throw jwtRefused({
    pointer: '/claims/iss',
    expected: 'the issuer that MINTLINE_OIDC_ISSUER names',
    found: iss,
    message: 'Sign in where this Mintline wants it, and send the token from there.'
  })
}

/** What is not of every JWT. */
function checkClaims(claims: Claims, settings: ProviderSettings, now: Date): void {
  const { iat } = claims
  const latest = now.getTime() / 1_000 + settings.clockToleranceSeconds
  if (iat !== undefined && (typeof iat !== 'number' || iat > latest)) throw atWrongTime('iat', iat)
  // OpenID Connect Core 1.0 §3.3.2.11 has the hashes in ID tokens alone; Keycloak names the kind in a claim.
  const { at_hash: tokenHash, c_hash: codeHash, typ: kind = 'Bearer' } = claims
  if (tokenHash !== undefined || codeHash !== undefined || kind !== 'Bearer') {
    throw jwtRefused({
      pointer: kind === 'Bearer' ? '/claims/at_hash' : '/claims/typ',
      expected: 'an access token',
      found: 'a token of another kind',
      message: 'Send the access token, not the ID token.'
    })
  }
  if (claims['cnf'] !== undefined) {
    throw jwtRefused({
      pointer: '/claims/cnf',
      expected: 'a token that is bound to no key',
      found: 'a confirmation',
      message:
        'Ask the provider for a bearer token: the proof of possession (DPoP, mTLS) is not looked at here.'
    })
  }
  checkClient(claims, settings)
}

/** Of RFC 9068, of OpenID Connect, and of Entra ID's first version. */
function checkClient(claims: Claims, { clients }: ProviderSettings): void {
  const client = claims['client_id'] ?? claims['azp'] ?? claims['appid']
  if (clients.length === 0 || clients.some(each => each === client)) return
  throw jwtRefused({
    pointer: '/claims/client_id',
    expected: 'a client of MINTLINE_OIDC_CLIENTS',
    found: client,
    message: askAdministrator
  })
}

function atWrongTime(claim: string, found: unknown): MintlineError {
  return jwtRefused({
    pointer: `/claims/${claim}`,
    expected: 'a time that has come',
    found,
    message: 'Look at the clocks of the identity provider and of this service.'
  })
}

const expectedClaims: Readonly<Record<string, string>> = {
  aud: 'the audience that MINTLINE_OIDC_AUDIENCE names',
  exp: 'the time at which it ends',
  sub: 'whom it was given to'
}

/** Undefined for what is no fault of the token. */
function explain(
  error: unknown,
  { kid }: ProtectedHeaderParameters,
  said: JWTPayload
): MintlineError | undefined {
  if (error instanceof errors.JWTExpired) return jwtExpired()
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (claim === 'nbf' && reason === 'check_failed') return atWrongTime(claim, said.nbf)
    const expected = expectedClaims[claim] ?? 'a claim as RFC 7519 has it'
    return jwtRefused({
      pointer: `/claims/${claim}`,
      expected,
      found: said[claim],
      message: askAdministrator
    })
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return jwtRefused({
      pointer: '/header/kid',
      expected: 'one key that the identity provider publishes',
      found: kid,
      message:
        'Sign in anew. A key that the provider has only just begun to use is taken within half a minute.'
    })
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return jwtRefused({
      pointer: '/signature',
      expected: 'a signature by the key that the header names',
      found: 'another',
      message: 'Copy the whole token again, or sign in anew.'
    })
  }
  if (isMintlineError(error)) return undefined
  return readingErrors.some(each => error instanceof each)
    ? malformedJwt()
    : providerUnavailable('the key that it publishes for the token cannot be used.', error)
}

const readingErrors = [
  errors.JWSInvalid,
  errors.JWTInvalid,
  errors.JOSENotSupported,
  errors.JOSEAlgNotAllowed
]
