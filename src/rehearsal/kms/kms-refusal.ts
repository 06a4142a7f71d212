/** The errors that the stand-in answers with, and their HTTP status. */
const statuses = {
  AccessDeniedException: 400,
  DependencyTimeoutException: 503,
  DisabledException: 409,
  DryRunOperationException: 412,
  IncompleteSignatureException: 400,
  InvalidArnException: 400,
  InvalidKeyUsageException: 400,
  KMSInternalException: 500,
  KMSInvalidStateException: 409,
  KeyUnavailableException: 500,
  MissingAuthenticationTokenException: 400,
  NotFoundException: 404,
  SerializationException: 400,
  ThrottlingException: 400,
  UnknownOperationException: 400,
  UnsupportedOperationException: 400,
  ValidationException: 400
} as const

export type KmsErrorName = keyof typeof statuses

/** An answer of KMS that is an error. On the wire its name travels as `__type`. */
export class KmsRefusal extends Error {
  readonly type: KmsErrorName

  constructor(type: KmsErrorName, message: string) {
    super(message)
    this.name = 'KmsRefusal'
    this.type = type
  }

  get status(): number {
    return statuses[this.type]
  }
}
