import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { RefusalRow } from '../../records/record-model.ts'
import { digestOf } from '../request.ts'

/** What is kept of what was sent. */
export type KeptBody = Pick<RefusalRow, 'csr' | 'bodyLength' | 'bodySha256' | 'withheld'>

/** Of what is no CSR: enough to see what it was. */
const maximumExcerptBytes = 4 * 1024

/** What was sent could not be read as a CSR, or is longer than any. All other refusals have read it. */
const noCsrCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['csr_malformed', 'csr_too_large'])

/** All of a CSR, which is bounded; of anything else the beginning, its length and its hash. */
export function keepBody(code: ErrorCode, sent: Uint8Array): KeptBody {
  if (!noCsrCodes.has(code) || sent.length <= maximumExcerptBytes) {
    return { csr: sent, bodyLength: null, bodySha256: null, withheld: null }
  }
  return {
    csr: sent.subarray(0, maximumExcerptBytes),
    bodyLength: sent.length,
    bodySha256: digestOf(sent),
    withheld: 'excess'
  }
}
