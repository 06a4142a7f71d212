import type { Static } from 'typebox'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { PredictedThing } from '../../../jitp/evaluation/prediction.ts'
import { decodeCertificationRequest } from '../../../pki/csr/intake.ts'
import { encodeCertificatePem, encodeChainPem, encodePem } from '../../../pki/pem/pem.ts'
import type { IssuanceEntry, IssuanceResult, Rejection } from '../../../records/record.ts'
import type { IssuanceEntryView } from '../records/schemas.ts'
import type { Issuance, Thing } from './schemas.ts'

/** The answer to the station. */
export function viewIssuance({ record, replayed }: IssuanceResult): Issuance {
  return {
    id: record.id,
    profile: record.profile,
    profileVersion: record.profileVersion,
    templateSha256: record.templateSha256,
    authority: record.authority,
    serialNumber: record.serialNumber,
    certificateId: record.certificateId,
    subject: record.subject,
    notBefore: formatSeconds(record.notBefore),
    notAfter: formatSeconds(record.notAfter),
    certificatePem: encodeCertificatePem(record.certificateDer),
    chainPem: encodeChainPem(record.chainDer),
    issuedAt: record.issuedAt.toISOString(),
    thing: viewThing(record.thing),
    replayed
  }
}

export function viewThing(thing: PredictedThing | null): Static<typeof Thing> | null {
  return thing && { ...thing, thingGroups: [...thing.thingGroups] }
}

/** A record as auditors read it. */
export function viewEntry(entry: IssuanceEntry): IssuanceEntryView {
  const common = {
    id: entry.id,
    requestedAt: entry.requestedAt.toISOString(),
    station: entry.station,
    profile: entry.profile,
    metadata: entry.metadata,
    requestId: entry.requestId
  }
  if (entry.outcome === 'rejected') return { outcome: 'rejected', ...common, ...viewRejection(entry) }
  const intent = {
    ...common,
    profileVersion: entry.profileVersion,
    templateSha256: entry.templateSha256,
    authority: entry.authority,
    serialNumber: entry.serialNumber,
    subject: entry.subject,
    notBefore: formatSeconds(entry.notBefore),
    notAfter: formatSeconds(entry.notAfter),
    csr: encodePem('CERTIFICATE REQUEST', entry.csrDer)
  }
  if (entry.outcome === 'unknown') return { outcome: 'unknown', ...intent }
  return {
    outcome: 'issued',
    ...intent,
    certificateId: entry.certificateId,
    certificatePem: encodeCertificatePem(entry.certificateDer),
    chainPem: encodeChainPem(entry.chainDer),
    issuedAt: entry.issuedAt.toISOString(),
    thing: viewThing(entry.thing)
  }
}

function viewRejection({ profileVersion, authority, code, detail, violations, csr }: Rejection) {
  return {
    ...(profileVersion !== undefined && { profileVersion }),
    ...(authority !== undefined && { authority }),
    code,
    detail,
    violations: [...violations],
    ...viewSentCsr(csr)
  }
}

/** As PEM where the bytes can be read as a CSR, else the very bytes. */
function viewSentCsr(sent: Uint8Array): { csr: string; csrEncoding: 'pem' | 'base64' } {
  try {
    return { csr: encodePem('CERTIFICATE REQUEST', decodeCertificationRequest(sent)), csrEncoding: 'pem' }
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return { csr: Buffer.from(sent).toString('base64'), csrEncoding: 'base64' }
  }
}

/** Certificates know whole seconds only. */
function formatSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
