import { hash } from 'node:crypto'
import { parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../pki/csr/intake.ts'
import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { requestedSubject } from '../requested-subject.ts'

/** As a row has it, whatever was sent. */
interface Sent {
  readonly csr: Uint8Array
  readonly stationSubject: Subject | null
}

/** What a request that was refused asked for, as far as what was sent can be read as a CSR. A field may be there several times. */
export function readSentRequest({ csr: sent, stationSubject }: Sent) {
  const csr = unlessUnreadable(() => parseCertificationRequest(decodeCertificationRequest(sent)))
  const attributes = unlessUnreadable(() => requestedSubject({ csr: csr ?? { subject: [] }, stationSubject }))
  const subject = (attributes ?? []).flatMap(({ field, value }): [SubjectField, string][] =>
    field === undefined || typeof value !== 'string' ? [] : [[field, value]]
  )
  return { subject, spkiSha256Hex: csr && hash('sha256', csr.spkiDer) }
}

/** A row may hold anything: one that no reader expects must not stop those behind it. */
export function unlessUnreadable<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
