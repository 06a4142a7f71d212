import type { ProfileDocument } from './document.ts'

/** One immutable version of a profile. */
export interface ProfileVersion {
  readonly id: string
  readonly name: string
  /** From 1, without gaps. */
  readonly version: number
  readonly document: ProfileDocument
  /** Lower-case hex SHA-256 of the template body as AWS would store it. */
  readonly templateSha256: string
  readonly createdAt: Date
  readonly createdBy: string
}
