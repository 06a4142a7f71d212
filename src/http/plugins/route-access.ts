import type { Role } from '../../access/principal.ts'

/** Who may use a route. There is no default. */
export type Access = readonly Role[] | 'public'

/** What a route declares, for the reference. */
export interface RouteRight {
  /** Methods and path. */
  readonly name: string
  readonly access: Access
  readonly heedsLines: boolean
  readonly heedsStation: boolean
}
