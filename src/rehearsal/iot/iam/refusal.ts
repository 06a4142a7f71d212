/** The errors of IAM and STS that the stand-in answers with, and their HTTP status. */
const statuses = {
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  InvalidAction: 400,
  MalformedPolicyDocument: 400,
  NoSuchEntity: 404,
  ValidationError: 400
} as const

export type IamErrorCode = keyof typeof statuses

/** An answer of IAM or STS that is an error. */
export class IamRefusal extends Error {
  readonly errorCode: IamErrorCode

  constructor(errorCode: IamErrorCode, message: string) {
    super(message)
    this.name = 'IamRefusal'
    this.errorCode = errorCode
  }

  get status(): number {
    return statuses[this.errorCode]
  }
}
