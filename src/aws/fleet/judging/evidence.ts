import { X509Certificate } from 'node:crypto'
import { keepableText } from '../../../errors/foreign-text.ts'
import type { FoundFinding } from '../finding.ts'

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

interface Stranger {
  /** Lower-case hex. */
  readonly certificateId: string
  /** As AWS names it. */
  readonly status: string
  readonly registeredAt: Date | null
}

/** @param evidence what it says of itself; none where AWS was not asked. */
export function neverIssued(
  { certificateId, status, registeredAt }: Stranger,
  evidence: object
): FoundFinding {
  return {
    kind: 'seen-never-issued',
    keyHex: certificateId,
    intentId: null,
    details: { certificateId, status, registeredAt: registeredAt?.toISOString() ?? null, ...evidence }
  }
}
