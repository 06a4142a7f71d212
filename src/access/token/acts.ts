import type { StoredToken } from './token-store.ts'

/** What the audit tells of a token: never its secrets. */
export function factsOf({
  name,
  role,
  station,
  lines,
  expiresAt
}: Pick<StoredToken, 'name' | 'role' | 'station' | 'lines' | 'expiresAt'>) {
  return {
    name,
    role,
    ...(station && { station: station.name }),
    ...(lines.length > 0 && { lines }),
    ...(expiresAt && { expiresAt })
  }
}

/** The same of one that there is, and until when the secret before the last rotation is taken as well. */
export function standingOf({ previous, ...token }: StoredToken) {
  return { ...factsOf(token), ...(previous && { previousSecretUntil: previous.until }) }
}
