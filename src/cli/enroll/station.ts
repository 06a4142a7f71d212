import type { Subject } from '../../pki/name/subject-field.ts'
import { AnswerError, type Enrolled, ForeignAnswerError, verifyAnswer } from './answer.ts'
import type { Connection } from './exchange/connection.ts'
import { exchange, type ExchangeSettings } from './exchange/exchange.ts'
import type { Failure } from './exchange/outcome.ts'

/** What is asked for with each CSR. */
interface Wanted {
  readonly profile: string
  readonly lot: string | undefined
  /** What the certificate is to carry in the place of the CSR's subject; empty for that. */
  readonly subject: Subject
  /** Each as `key:value`. */
  readonly metadata: readonly string[]
}

export interface Station {
  readonly connection: Connection
  readonly exchange: ExchangeSettings
  readonly wanted: Wanted
}

/** The service reads no more of a CSR. */
export const maximumCsrBytes = 65_536

/** Has a CSR certified, and believes no answer that does not fit it. */
export async function enroll(
  { connection, exchange: settings, wanted }: Station,
  csr: Buffer
): Promise<Enrolled | Failure> {
  if (csr.length > maximumCsrBytes)
    return refuse('csr_too_large', `The file has ${csr.length} octets; it is no CSR.`)
  const { profile, lot, subject, metadata } = wanted
  const query = new URLSearchParams({ profile, ...(lot !== undefined && { lot }) })
  for (const [field, value] of Object.entries(subject)) query.append(`subject.${field}`, value)
  for (const entry of metadata) query.append('metadata', entry)
  const outcome = await exchange(
    connection,
    {
      method: 'POST',
      path: `/v1/issuances?${query.toString()}`,
      headers: { 'content-type': 'application/pkcs10', accept: 'application/json' },
      body: csr
    },
    settings
  )
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

function refuse(code: string, detail: string): Failure {
  return { kind: 'refused', code, detail, violations: [] }
}

export function isFailure(result: Enrolled | Failure): result is Failure {
  return 'kind' in result
}
