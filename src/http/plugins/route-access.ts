import type { Role } from '../../access/principal.ts'

/** Who may use a route. There is no default. */
export type Access = readonly Role[] | 'public'
