import { certificateIdHex, parseTbsCertificate } from '../pki/certificate/certificate.ts'
import type { EventData } from './event-data.ts'
import type { EventType } from './event-type.ts'
import type { AuditFact, IssuedFact, OwedEvent, RefusedFact } from './outbox-store.ts'

/** CloudEvents 1.0, in the JSON format's structured form. */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** The id of the record that it tells of, so the same whenever and however often it is sent. */
  readonly id: string
  readonly source: string
  readonly type: EventType
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: EventData[EventType]
}

/**
 * Tells a recorded fact. The same bytes come of it each time, since records do not change.
 *
 * @param sourceId UUID of the database.
 */
export function buildCloudEvent({ type, recordId, fact }: OwedEvent, sourceId: string): CloudEvent {
  return {
    specversion: '1.0',
    id: recordId,
    source: `urn:uuid:${sourceId}`,
    type,
    ...describe(recordId, fact),
    datacontenttype: 'application/json'
  }
}

function describe(id: string, fact: OwedEvent['fact']): Pick<CloudEvent, 'subject' | 'time' | 'data'> {
  switch (fact.kind) {
    case 'issued':
      return { subject: `issuance/${id}`, time: fact.issuedAt.toISOString(), data: describeIssued(id, fact) }
    case 'refused':
      return {
        subject: `issuance/${id}`,
        time: fact.createdAt.toISOString(),
        data: describeRefused(id, fact)
      }
    case 'audit':
      return { subject: fact.subject, time: fact.createdAt.toISOString(), data: describeAct(fact) }
  }
}

function describeIssued(issuanceId: string, fact: IssuedFact): EventData['mintline.issuance.issued'] {
  const { createdAt, station, profile, metadata, requestId, profileVersion, authority, thing } = fact
  const { subject, notBefore, notAfter } = parseTbsCertificate(fact.tbsDer)
  return {
    issuanceId,
    requestedAt: createdAt.toISOString(),
    station,
    profile,
    metadata,
    requestId,
    issuedAt: fact.issuedAt.toISOString(),
    certificateId: certificateIdHex(fact.certificateDer),
    serialNumber: Buffer.from(fact.serialNumber).toString('hex'),
    subject: { ...subject },
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    profileVersion,
    authority,
    thing: thing && {
      thingName: thing.thingName,
      attributes: thing.attributes,
      thingTypeName: thing.thingTypeName,
      thingGroups: [...thing.thingGroups],
      billingGroup: thing.billingGroup
    }
  }
}

function describeRefused(issuanceId: string, fact: RefusedFact): EventData['mintline.issuance.rejected'] {
  const { createdAt, station, profile, metadata, requestId, code, detail, violations } = fact
  return {
    issuanceId,
    requestedAt: createdAt.toISOString(),
    station,
    profile,
    metadata,
    requestId,
    code,
    detail,
    violations: violations.map(violation => ({ ...violation })),
    ...(fact.profileVersion !== null && { profileVersion: fact.profileVersion }),
    ...(fact.authority !== null && { authority: fact.authority })
  }
}

/** The subject of an audit event is a path: what it is, and its name. */
function describeAct({ act, actor, subject, before, after, reason }: AuditFact) {
  const name = subject.slice(subject.indexOf('/') + 1)
  return {
    ...(act.startsWith('authority.') ? { authority: name } : { registration: name }),
    act,
    actor,
    ...(reason !== null && { reason }),
    ...(before !== null && { before }),
    ...(after !== null && { after })
  }
}
