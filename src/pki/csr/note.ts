/** What is told of a request that was granted although something about it was not as it should be. */
export const csrNoteCodes = [
  /** The profile drops an attribute of the subject that the CSR carries. */
  'attribute_dropped',
  /** The station set the subject, and the CSR has another one. */
  'subject_replaced',
  /** A value holds what only looks like ASCII. */
  'lookalike',
  /** The signature algorithm of an ECDSA signature has NULL parameters. */
  'null_parameters',
  /** The attributes, which are ignored, are not in the form that DER wants. */
  'attributes_irregular'
] as const

export interface CsrNote {
  readonly code: (typeof csrNoteCodes)[number]
  /** `/subject/<name>`, `/subject`, `/signatureAlgorithm` or `/attributes`. */
  readonly pointer: string
  /** For a person to read. Never holds a value that was dropped: it may be about one. */
  readonly message: string
}
