import {
  type IssuedFacts,
  issuedFactsOf,
  leaveOutNulls,
  type RefusalFacts,
  refusalFactsOf,
  tell
} from '../records/facts.ts'
import type { EventData } from './event-data.ts'
import type { EventType } from './event-type.ts'
import type { AuditFact, OwedEvent } from './outbox-store.ts'
import { describeRevocation } from './revocation-fact.ts'

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
    case 'issued': {
      const data = describeIssued(issuedFactsOf(fact))
      return { subject: `issuance/${id}`, time: data.issuedAt, data }
    }
    case 'refused': {
      const data = describeRefused(refusalFactsOf(fact))
      return { subject: `issuance/${id}`, time: data.requestedAt, data }
    }
    case 'revocation':
      return {
        subject: `issuance/${fact.issuanceId}`,
        time: fact.at.toISOString(),
        data: describeRevocation(fact)
      }
    case 'audit':
      return { subject: fact.subject, time: fact.createdAt.toISOString(), data: describeAct(fact) }
  }
}

function describeIssued(facts: IssuedFacts): EventData['mintline.issuance.issued'] {
  const { id: issuanceId, createdAt: requestedAt, templateSha256, thing, ...told } = tell(facts)
  return {
    issuanceId,
    requestedAt,
    ...told,
    thing: thing && {
      thingName: thing.thingName,
      attributes: thing.attributes,
      thingTypeName: thing.thingTypeName,
      thingGroups: thing.thingGroups,
      billingGroup: thing.billingGroup
    }
  }
}

function describeRefused(facts: RefusalFacts): EventData['mintline.issuance.rejected'] {
  const { id: issuanceId, createdAt: requestedAt, ...told } = leaveOutNulls(tell(facts))
  return { issuanceId, requestedAt, ...told }
}

function nameOfSubject(act: string, name: string) {
  if (act.startsWith('authority.') || act.startsWith('fleet.')) return { authority: name }
  if (act.startsWith('station.')) return { station: name }
  if (act.startsWith('lot.')) return { lot: name }
  if (act.startsWith('certificate.') || act.startsWith('aws_push.')) return { issuanceId: name }
  return act.startsWith('key.') ? { key: name } : { registration: name }
}

/** The subject of an audit event is a path: what it is, and its name. */
function describeAct({ act, actor, subject, before, after, reason }: AuditFact) {
  const name = subject.slice(subject.indexOf('/') + 1)
  return {
    ...nameOfSubject(act, name),
    act,
    actor,
    ...(reason !== null && { reason }),
    ...(before !== null && { before }),
    ...(after !== null && { after })
  }
}
