/**
 * Who may do what. A closed list: a role that is not here does not exist.
 *
 * - `station` asks for certificates, and reads what it asked for.
 * - `display` sees what stations do today, for a screen at the line.
 * - `auditor` reads everything.
 * - `operator` reads the same, and looks after the stations.
 * - `admin` does everything but ask for certificates.
 */
export const roles = ['station', 'display', 'auditor', 'operator', 'admin'] as const

export type Role = (typeof roles)[number]

/** Who a request comes from, as its token or client certificate proves. */
export interface Principal {
  /** Of a token that Mintline made, or of a station's client certificate; undefined for who signed in elsewhere. */
  readonly tokenId?: string | undefined
  /** The client certificate, where it and no token let a station in. */
  readonly certificate?: PrincipalCertificate | undefined
  /** Who signed in elsewhere, as the identity provider names them for ever: `oidc:<sub>`. */
  readonly subject?: string | undefined
  /** The station's name for a station; for the others, whom the token was made out to. */
  readonly name: string
  readonly role: Role
  /** Of production, to which it is held; undefined for none, which is all. */
  readonly lines?: readonly string[] | undefined
  /** Of the role station, and of no other. */
  readonly station?: PrincipalStation | undefined
}

/** Who asks for a certificate: the record names the token. */
export interface StationPrincipal extends Principal {
  readonly tokenId: string
}

export function hasToken(principal: Principal): principal is StationPrincipal {
  return principal.tokenId !== undefined
}

interface PrincipalCertificate {
  /** As `describeName` writes it. */
  readonly subject: string
  readonly notAfter: Date
}

/** What of a station decides on its requests, and stands on record with them. */
interface PrincipalStation {
  readonly line: string | null
  readonly site: string | null
  /** Names of profiles, or `*`. */
  readonly profiles: readonly string[]
  readonly requestsPerMinute: number | null
}

/** Whether what belongs to a line may be seen. What belongs to none is for those alone who may see all. */
export function maySeeLine({ lines }: Pick<Principal, 'lines'>, line: string | null): boolean {
  return lines === undefined || (line !== null && lines.includes(line))
}

/** What records are asked for by. */
interface OwnQuery {
  readonly station?: string | undefined
  readonly lines?: readonly string[] | undefined
}

/** The same query, of what the principal may see alone. Undefined where a station asks for another's. */
export function ofOwn<Query extends OwnQuery>(
  { role, name, lines }: Pick<Principal, 'role' | 'name' | 'lines'>,
  query: Query
): Query | undefined {
  if (lines !== undefined) return { ...query, lines }
  if (role !== 'station') return query
  return query.station === undefined || query.station === name ? { ...query, station: name } : undefined
}
