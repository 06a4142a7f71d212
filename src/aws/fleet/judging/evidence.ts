import { X509Certificate } from 'node:crypto'
import { keepableText } from '../../../errors/foreign-text.ts'

/** What a certificate that somebody else made says of itself. */
export interface Evidence {
  /** Lower-case hex. */
  readonly serialNumber: string
  readonly subject: string
  readonly notBefore: string
  readonly notAfter: string
}

const longestSubject = 300

/** Undefined where it cannot be read: then its id alone is told. */
export function readEvidence(certificatePem: string): Evidence | undefined {
  try {
    const { serialNumber, subject, validFromDate, validToDate } = new X509Certificate(certificatePem)
    return {
      serialNumber: serialNumber.toLowerCase(),
      subject: keepableText((subject ?? '').replaceAll('\n', ', '), longestSubject),
      notBefore: validFromDate.toISOString(),
      notAfter: validToDate.toISOString()
    }
  } catch {
    return undefined
  }
}
