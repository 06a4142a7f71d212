import type { Subject } from '../../pki/name/subject-field.ts'
import type { Enrolled } from './answer.ts'
import { askForCertificate, refuse } from './asking.ts'
import type { Connection } from './exchange/connection.ts'
import type { ExchangeSettings } from './exchange/exchange.ts'
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

/** Has a CSR certified as the station wants it. */
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
  return askForCertificate(connection, settings, { path: `/v1/issuances?${query.toString()}`, csr })
}
