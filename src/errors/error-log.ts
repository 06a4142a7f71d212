/** An error as the log shows it. */
export interface LoggedError {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: LoggedError
  /** Of an AggregateError. */
  readonly errors?: readonly LoggedError[]
}

const maximumDepth = 5
const maximumErrors = 10

/**
 * What the log gets of an error: no more than these members. Libraries hang on their errors whatever they had in hand,
 * `pg` the connection with its password, the AWS SDK the answer; and our own have values that a client sent.
 */
export function describeErrorForLog(error: unknown, depth = maximumDepth): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' }
  const code = 'code' in error && isCode(error.code) ? String(error.code) : undefined
  return {
    type: error.name,
    message: withoutValues(error.message),
    ...(code !== undefined && { code }),
    ...(error.stack !== undefined && { stack: withoutValues(error.stack) }),
    ...(error.cause !== undefined && depth > 1 && { cause: describeErrorForLog(error.cause, depth - 1) }),
    ...(error instanceof AggregateError &&
      depth > 1 && {
        errors: error.errors.slice(0, maximumErrors).map(each => describeErrorForLog(each, depth - 1))
      })
  }
}

/** Where PostgreSQL repeats what stands in a row, or what it was sent: a CSR, a subject, a token's digest. */
const repeatedValues: readonly (readonly [RegExp, string])[] = [
  [/(Failing row contains ).*/g, '$1(…)'],
  [/(Key \([^\n]*?\)=)\([^\n]*\)/g, '$1(…)'],
  [/(invalid input [a-z ]+\b[^":\n]*: |invalid [a-z]+ [^":\n]*: |value )"[^\n]*"/g, '$1"…"']
]

function withoutValues(text: string): string {
  return repeatedValues.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), text)
}

function isCode(code: unknown): code is string | number {
  return typeof code === 'string' || typeof code === 'number'
}
