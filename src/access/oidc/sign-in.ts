import { MintlineError } from '../../errors/mintline-error.ts'
import type { Tokens } from '../token/token.ts'
import type { People } from './people.ts'

/** Parts with dots between, the first of which is a JSON object; no token of Mintline's own has a dot. */
const jwtForm = /^eyJ[\w-]*(?:\.[\w-]*){2,4}$/

/**
 * Who a bearer token is of: a JWT goes to the people's identity provider, everything else to Mintline's own tokens.
 *
 * @param people undefined where nobody signs in elsewhere: a JWT is then `jwt_refused`.
 */
export function authenticateEither(
  tokens: Tokens,
  people: Pick<People, 'authenticate'> | undefined
): Tokens['authenticate'] {
  return async (bearerToken, options) => {
    if (!jwtForm.test(bearerToken)) return tokens.authenticate(bearerToken, options)
    if (people !== undefined) return people.authenticate(bearerToken)
    throw new MintlineError(
      'jwt_refused',
      'This is a JWT of an identity provider, and this Mintline takes none: MINTLINE_OIDC_ISSUER is not set. Use a token that Mintline made.'
    )
  }
}
