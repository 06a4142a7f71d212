import { MintlineError } from '../../errors/mintline-error.ts'

/** One check that a JWT failed. */
export interface FailedCheck {
  /** Where in the token: `/header/…` or `/claims/…`. */
  readonly pointer: string
  readonly expected: string
  /** What the token says there: its sender's own words. Never of the token as a whole. */
  readonly found: unknown
  readonly message: string
}

/** What a token says is repeated so far. */
const maximumFound = 100

/** @returns `jwt_refused`. The setting is named, and what it says is not: whoever asks may be anybody. */
export function jwtRefused({ pointer, expected, found, message }: FailedCheck): MintlineError {
  const detail = `The token fails the check of ${pointer.slice(1).replace('/', ' ')}: expected is ${expected}. ${message}`
  const violations = [{ pointer, expected, found: describeFound(found), message }]
  return new MintlineError('jwt_refused', detail, { violations })
}

export function malformedJwt(): MintlineError {
  return new MintlineError(
    'jwt_refused',
    'The token looks like a JWT and cannot be read as a signed one. Copy the whole access token again, or sign in anew.'
  )
}

export function jwtExpired(): MintlineError {
  return new MintlineError('token_expired', 'The token of the identity provider has ended. Sign in anew.')
}

/** The token holds, and gives its owner nothing here. */
export function roleUnmapped(detail: string): MintlineError {
  return new MintlineError('jwt_role_unknown', detail)
}

export function providerUnavailable(what: string, cause?: unknown): MintlineError {
  return new MintlineError(
    'identity_provider_unavailable',
    `Whether the token holds cannot be told: ${what} Send the request again; tokens that Mintline made work meanwhile.`,
    { retryAfterSeconds: 5, cause }
  )
}

function describeFound(found: unknown): string {
  if (found === undefined) return 'nothing'
  const text = typeof found === 'string' ? found : (JSON.stringify(found) ?? 'nothing')
  return text.length > maximumFound ? `${text.slice(0, maximumFound)}…` : text
}
