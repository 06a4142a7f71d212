/** A certificate of a responder before it is signed. */
export interface ResponderIntent {
  readonly id: string
  readonly createdAt: Date
  /** Of the generation that signs it, and that the responder speaks for. */
  readonly authorityId: string
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly tbsDer: Uint8Array
}
