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
    ...(error.stack !== undefined && { stack: stackWithoutValues(error.stack, error.message) }),
    ...(error.cause !== undefined && depth > 1 && { cause: describeErrorForLog(error.cause, depth - 1) }),
    ...(error instanceof AggregateError &&
      depth > 1 && {
        errors: error.errors.slice(0, maximumErrors).map(each => describeErrorForLog(each, depth - 1))
      })
  }
}

/**
 * Where PostgreSQL repeats what stands in a row, or what it was sent, and the engine what is no JSON: a CSR, a subject, a
 * token's digest. What is repeated may have lines, quotes and parentheses itself: it goes on to the last sign that can
 * be its end, and to the end of the text where there is none.
 */
const repeatedValues: readonly (readonly [RegExp, string])[] = [
  [/(Failing row contains )[^]*/, '$1(…)'],
  [/(Key \([^\n]{0,300}?\)=)\((?:[^]*\)|[^]*)/, '$1(…)'],
  [/(JSON data, line \d+: )[^]*/, '$1…'],
  [/(Unexpected token )(?:[^]*(?= is not valid JSON)|[^]*)/, '$1…'],
  [
    /(invalid [a-z]+ [^":\n]{0,200}: |malformed [a-z]+ literal: |out of range: |value |Token )"(?:[^]*"|[^]*)/,
    '$1"…"'
  ]
]

function withoutValues(text: string): string {
  return repeatedValues.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
}

/** The frames hold no values, and come behind the message: a value without an end would take them along. */
function stackWithoutValues(stack: string, message: string): string {
  const at = stack.indexOf(message)
  if (at < 0) return withoutValues(stack)
  const end = at + message.length
  return stack.slice(0, at) + withoutValues(message) + stack.slice(end)
}

function isCode(code: unknown): code is string | number {
  return typeof code === 'string' || typeof code === 'number'
}
