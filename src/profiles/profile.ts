import type { ProfileDocument } from './profile-document.ts'

/** One immutable version of a profile. */
export interface ProfileVersion {
  readonly id: string
  readonly name: string
  /** From 1, without gaps. */
  readonly version: number
  readonly document: ProfileDocument
  readonly createdAt: Date
  readonly createdBy: string
}
