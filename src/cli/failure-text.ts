import { isMintlineError, type MintlineError, type Violation } from '../errors/mintline-error.ts'

/** What a person at a terminal reads when a command fails. */
export function describeFailure(error: unknown): string {
  return isMintlineError(error) ? describeMintlineError(error) : describeFault(error)
}

/** One broken rule on one line, the setting or member first. */
export function describeViolation({ pointer, expected, found, message }: Violation): string {
  return `  ${pointer}: expected ${expected}; found ${found}. ${message}`
}

function describeMintlineError(error: MintlineError): string {
  const causes = causesOf(error.cause).map(message => `  caused by: ${message}`)
  return [
    `mintline: ${error.code}: ${error.detail}`,
    ...error.violations.map(describeViolation),
    ...causes,
    ''
  ].join('\n')
}

/** Several addresses of one host fail together, in an error whose own message is empty. */
function causesOf(cause: unknown): readonly string[] {
  if (cause instanceof AggregateError) return cause.errors.flatMap(causesOf)
  return cause instanceof Error ? [cause.message] : []
}

function describeFault(error: unknown): string {
  const stack = error instanceof Error ? error.stack : undefined
  return `mintline: this is a fault in Mintline; please report it with the lines below.\n${stack ?? String(error)}\n`
}
