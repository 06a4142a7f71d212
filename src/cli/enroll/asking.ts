import { AnswerError, type Enrolled, ForeignAnswerError, verifyAnswer } from './answer.ts'
import type { Connection } from './exchange/connection.ts'
import { exchange, type ExchangeSettings } from './exchange/exchange.ts'
import type { Failure } from './exchange/outcome.ts'

interface Asked {
  /** With its query. */
  readonly path: string
  readonly csr: Buffer
}

/** Has a CSR certified, and believes no answer that does not fit it. */
export async function askForCertificate(
  connection: Connection,
  settings: ExchangeSettings,
  { path, csr }: Asked
): Promise<Enrolled | Failure> {
  const headers = { 'content-type': 'application/pkcs10', accept: 'application/json' }
  const outcome = await exchange(connection, { method: 'POST', path, headers, body: csr }, settings)
  if (outcome.kind !== 'answered') return outcome
  try {
    return verifyAnswer(outcome.body, csr)
  } catch (error) {
    if (error instanceof ForeignAnswerError)
      return { kind: 'unreachable', detail: error.message, isLasting: true }
    if (!(error instanceof AnswerError)) throw error
    return refuse('answer_invalid', `The answer was thrown away: ${error.message}. Tell the administrator.`)
  }
}

/** What is refused without a word of the service. */
export function refuse(code: string, detail: string): Failure {
  return { kind: 'refused', code, detail, violations: [] }
}

export function isFailure(result: Enrolled | Failure): result is Failure {
  return 'kind' in result
}
