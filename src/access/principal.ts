/** Who may do what. A closed list: a role that is not here does not exist. */
export const roles = ['station', 'auditor', 'admin'] as const

export type Role = (typeof roles)[number]

/** Who a request comes from, as its token proves. */
export interface Principal {
  readonly tokenId: string
  /** The station's name for a station; for the others, whom the token was made out to. */
  readonly name: string
  readonly role: Role
  /** Of the role station, and of no other. */
  readonly station?: PrincipalStation | undefined
}

/** What of a station decides on its requests, and stands on record with them. */
interface PrincipalStation {
  readonly line: string | null
  readonly site: string | null
  /** Names of profiles, or `*`. */
  readonly profiles: readonly string[]
  readonly requestsPerMinute: number | null
}
