import type { Static } from 'typebox'
import {
  type ClientIdentity,
  identityOfText,
  isIssuedHere,
  issuedPrefix,
  textOfIdentity
} from '../../../factory/stations/client-certificates/identity.ts'
import type {
  NewStation,
  Station,
  StationCertificate,
  StationChange,
  StationReport
} from '../../../factory/stations/station.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import type {
  StationBody,
  StationCertificateView,
  StationChangeBody,
  StationReportView,
  StationView
} from './schemas.ts'

export function toNewStation({ clientCertificates, ...station }: Static<typeof StationBody>): NewStation {
  return { ...station, ...identitiesOf(clientCertificates) }
}

export function toChange({
  lots,
  clientCertificates,
  ...change
}: Omit<Static<typeof StationChangeBody>, 'reason'>): StationChange {
  return { ...change, ...(lots !== undefined && { lots: lots ?? [] }), ...identitiesOf(clientCertificates) }
}

/** Two ways to write the same are one. */
function identitiesOf(identities: readonly ClientIdentity[] | null | undefined) {
  return identities === undefined
    ? {}
    : { clientIdentities: [...new Set((identities ?? []).map(textOfIdentity))] }
}

export function viewStation({
  line,
  site,
  lots,
  requestsPerMinute,
  hourlyTarget,
  clientIdentities,
  ...station
}: Station): StationView {
  const { id, name, profiles, enabled, createdAt, createdBy, changedAt, changedBy } = station
  const { pausedAt, pauseReason } = station
  return {
    id,
    name,
    ...(line !== null && { line }),
    ...(site !== null && { site }),
    profiles: [...profiles],
    ...(lots.length > 0 && { lots: [...lots] }),
    enabled,
    ...(pausedAt !== null && pauseReason !== null && { pausedAt: pausedAt.toISOString(), pauseReason }),
    ...(requestsPerMinute !== null && { requestsPerMinute }),
    ...(hourlyTarget !== null && { hourlyTarget }),
    ...(clientIdentities.length > 0 && { clientCertificates: clientIdentities.map(identityOfText) }),
    createdAt: createdAt.toISOString(),
    createdBy,
    changedAt: changedAt.toISOString(),
    changedBy
  }
}

export function viewReport(report: StationReport): StationReportView {
  const { lastSeenAt, issuedToday, refusedToday } = report
  return {
    ...viewStation(report),
    ...(lastSeenAt !== null && { lastSeenAt: lastSeenAt.toISOString() }),
    issuedToday,
    refusedToday
  }
}

export function viewCertificate(certificate: StationCertificate): StationCertificateView {
  const { id, identity, sha256, subject, issuer, serialNumber, notAfter, firstSeenAt, lastUsedAt } =
    certificate
  const { endedAt, endedBy, endReason } = certificate
  return {
    id,
    fingerprint: toHex(sha256),
    knownBy: isIssuedHere(identity)
      ? { issuance: identity.slice(issuedPrefix.length) }
      : identityOfText(identity),
    subject,
    issuer,
    serialNumber: toHex(serialNumber),
    notAfter: notAfter.toISOString(),
    firstSeenAt: firstSeenAt.toISOString(),
    ...(lastUsedAt !== null && { lastUsedAt: lastUsedAt.toISOString() }),
    ...(endedAt !== null && { endedAt: endedAt.toISOString() }),
    ...(endedBy !== null && { endedBy }),
    ...(endReason !== null && { endReason })
  }
}
