import { makeCertificationRequest } from '../../test/support/certification-request.ts'

/** Distinct CSRs, each for a key of its own (EC P-256), as DER. */
export function makeRequests(count: number, run: string): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(
      makeCertificationRequest({ Country: 'US', Organization: 'Bench', CommonName: `bench-${run}-${index}` })
    )
  )
}
