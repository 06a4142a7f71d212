/** The errors that the stand-in answers with, and their HTTP status: the service model's, then those of any service. */
const statuses = {
  CertificateConflictException: 409,
  CertificateStateException: 406,
  CertificateValidationException: 400,
  ConflictException: 409,
  ConflictingResourceUpdateException: 409,
  DeleteConflictException: 409,
  InternalFailureException: 500,
  InvalidRequestException: 400,
  LimitExceededException: 410,
  MalformedPolicyException: 400,
  NotConfiguredException: 404,
  RegistrationCodeValidationException: 400,
  RequestEntityTooLargeException: 413,
  ResourceAlreadyExistsException: 409,
  ResourceNotFoundException: 404,
  ResourceRegistrationFailureException: 400,
  ServiceUnavailableException: 503,
  ThrottlingException: 400,
  TransferConflictException: 409,
  UnauthorizedException: 401,
  VersionConflictException: 409,
  VersionsLimitExceededException: 409,
  AccessDeniedException: 403,
  IncompleteSignatureException: 403,
  MissingAuthenticationTokenException: 403,
  SerializationException: 400,
  UnknownOperationException: 404
} as const

export type IotErrorName = keyof typeof statuses

/** The members that a `ResourceAlreadyExistsException` has beside its message. */
export interface RefusedResource {
  readonly resourceId?: string
  readonly resourceArn?: string
}

/** An answer of AWS IoT that is an error. On the wire its name travels as `x-amzn-errortype`. */
export class IotRefusal extends Error {
  readonly errorName: IotErrorName
  readonly resource: RefusedResource

  constructor(errorName: IotErrorName, message: string, resource: RefusedResource = {}) {
    super(message)
    this.name = 'IotRefusal'
    this.errorName = errorName
    this.resource = resource
  }

  get status(): number {
    return statuses[this.errorName]
  }
}

/** A mistake of the stand-in itself is an `InternalFailureException`. */
export function asRefusal(error: unknown): IotRefusal {
  return error instanceof IotRefusal ? error : new IotRefusal('InternalFailureException', String(error))
}
