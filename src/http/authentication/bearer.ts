import { MintlineError } from '../../errors/mintline-error.ts'

/** As long as JWTs become, which name groups and roles. RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1). */
export function parseBearer(header: string | undefined): string {
  if (header === undefined || !/^bearer /i.test(header)) {
    throw new MintlineError('token_missing', 'Send the header Authorization: Bearer <token>.')
  }
  const token = /^bearer +([A-Za-z0-9._~+/-]{1,8192}=*)$/i.exec(header)?.[1]
  if (token === undefined) {
    throw new MintlineError(
      'token_invalid',
      'The Authorization header does not hold one bearer token. Copy the token again.'
    )
  }
  return token
}
