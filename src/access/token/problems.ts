import { MintlineError } from '../../errors/mintline-error.ts'

export function tokenNotFound(id: string): MintlineError {
  return new MintlineError('token_not_found', `There is no valid token with the id ${id}.`)
}

export function tokenInvalid(pointer: string, expected: string, found: string): MintlineError {
  const message = 'Send what is expected; where that is nothing, leave it out.'
  const violations = [{ pointer, expected, found, message }]
  return new MintlineError('request_invalid', `${pointer.slice(1)} cannot be used.`, { violations })
}

export function lastAdminToken(): MintlineError {
  return new MintlineError('last_admin_token', 'This is the last valid admin token. Make another one first.')
}
