/** What RFC 9457 calls a problem type, with what an operator needs to know about it. */
export interface ProblemDescription {
  readonly status: number
  readonly title: string
  readonly meaning: string
  /** What the operator on the line, or whoever runs the service, does next. */
  readonly remedy: string
}
