import type { Role } from './principal.ts'

/** A token as it may be shown: never its secret. */
export interface TokenView {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly createdAt: Date
  readonly createdBy: string
  readonly revokedAt: Date | undefined
}
