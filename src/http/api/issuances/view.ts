import type { Static } from 'typebox'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { IssuanceResult } from '../../../issuance/request.ts'
import type { PredictedThing } from '../../../jitp/evaluation/prediction.ts'
import { decodeCertificationRequest } from '../../../pki/csr/intake.ts'
import { encodeCertificatePem, encodeChainPem, encodePem } from '../../../pki/pem/pem.ts'
import { csrNotesOf } from '../../../records/csr-notes.ts'
import { type IntentFacts, leaveOutNulls, tell } from '../../../records/facts.ts'
import { type IssuanceRecord, type Refusal, type Revoked, stateOf } from '../../../records/record.ts'
import { readSentRequest } from '../../../records/search/sent-request.ts'
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
    notes: [...csrNotesOf(record)],
    replayed
  }
}

export function viewThing(thing: PredictedThing | null): Static<typeof Thing> | null {
  return thing && { ...thing, thingGroups: [...thing.thingGroups] }
}

/** A record as auditors read it. */
export function viewRecord(record: IssuanceRecord): IssuanceEntryView {
  return { ...viewKind(record), state: stateOf(record) }
}

function viewKind(record: IssuanceRecord) {
  switch (record.outcome) {
    case 'rejected':
      return viewRefusal(record)
    case 'unknown': {
      const { revocation, ...facts } = record
      return { ...viewIntent(facts), ...viewRevocation(revocation) }
    }
    case 'void': {
      const { voidReason: reason, revocation, ...facts } = record
      return { ...viewIntent(facts), ...viewRevocation(revocation), reason }
    }
    case 'issued': {
      const { certificateDer, chainDer, damage, release, scrap, supersession, ...rest } = record
      const { revocation, hold, awsPushes, ...issued } = rest
      return {
        ...viewIntent(issued),
        ...(damage === undefined
          ? { certificatePem: encodeCertificatePem(certificateDer), chainPem: encodeChainPem(chainDer) }
          : { damage }),
        thing: viewThing(record.thing),
        ...(release && tell(release)),
        ...(scrap && tell(scrap)),
        ...(supersession && leaveOutNulls(tell(supersession))),
        ...viewRevocation(revocation),
        ...(hold && tell(hold)),
        ...(awsPushes && { awsPushes: awsPushes.map(each => leaveOutNulls(tell(each))) })
      }
    }
  }
}

function viewRevocation(revocation: Revoked | undefined) {
  if (revocation === undefined) return undefined
  const { isByAct: _, wasHeld: __, ...facts } = revocation
  return leaveOutNulls(tell(facts))
}

function viewIntent<Record extends IntentFacts & { readonly csrDer: Uint8Array }>(record: Record) {
  const { createdAt, csrDer, ...facts } = record
  return {
    ...leaveOutNulls(tell(facts)),
    requestedAt: createdAt.toISOString(),
    notBefore: formatSeconds(record.notBefore),
    notAfter: formatSeconds(record.notAfter),
    csr: encodePem('CERTIFICATE REQUEST', csrDer),
    notes: [...csrNotesOf(record)]
  }
}

function viewRefusal({ createdAt, csr, violations, repeats, ...facts }: Refusal) {
  const isKept = facts.withheld !== 'private_key' && facts.purgedAt === null
  return {
    ...leaveOutNulls(tell(facts)),
    requestedAt: createdAt.toISOString(),
    violations: [...violations],
    ...(repeats && { repeats: tell(repeats) }),
    ...viewAskedFor({ csr, stationSubject: facts.stationSubject }),
    ...(isKept && (facts.withheld === null ? viewSentCsr(csr) : viewOctets(csr)))
  }
}

/** Whose certificate was asked for, as far as that can be read; of a field that was there several times, the first. */
function viewAskedFor(sent: Pick<Refusal, 'csr' | 'stationSubject'>) {
  const { subject, spkiSha256Hex } = readSentRequest(sent)
  return {
    ...(subject.length > 0 && { subject: Object.fromEntries(subject.toReversed()) }),
    ...(spkiSha256Hex !== undefined && { spkiSha256: spkiSha256Hex })
  }
}

/** As PEM where the bytes can be read as a CSR, else the very bytes. */
function viewSentCsr(sent: Uint8Array): { csr: string; csrEncoding: 'pem' | 'base64' } {
  try {
    return { csr: encodePem('CERTIFICATE REQUEST', decodeCertificationRequest(sent)), csrEncoding: 'pem' }
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return viewOctets(sent)
  }
}

function viewOctets(sent: Uint8Array): { csr: string; csrEncoding: 'base64' } {
  return { csr: Buffer.from(sent).toString('base64'), csrEncoding: 'base64' }
}

/** Certificates know whole seconds only. */
function formatSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
