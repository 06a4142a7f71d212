/** A weak key; or one that was certified for another device, or found in more than one. */
export type KeyFaultKind = 'weak_key' | 'shared_key'

/** What lets a station's source of random numbers be doubted. */
export interface KeyFault {
  readonly kind: KeyFaultKind
  /** Of the key and the subject: the same again, under whatever profile, is no other fault. */
  readonly requestSha256: Uint8Array
  readonly spkiSha256: Uint8Array
  /** The tests that the key failed. */
  readonly weaknesses: readonly string[]
  /** The lot that the request named; null where it named none. */
  readonly lot: string | null
  readonly requestId: string
  readonly createdAt: Date
}
