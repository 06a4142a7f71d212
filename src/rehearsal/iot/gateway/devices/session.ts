import { connectionVariables, thingOfConnection } from '../../policy/connection-variables.ts'
import { evaluatePolicies, type IotAction, type PolicyDecision } from '../../policy/evaluation.ts'
import { partitionOf } from '../../registry/arns.ts'
import type { ReadCertificate } from '../../registry/certificates/certificate-reading.ts'
import type { Registry } from '../../registry/registry.ts'
import { policiesOfGroups } from '../../registry/things/group-policies.ts'

/** A device that is connected, with an ACTIVE certificate as far as is known. */
export interface DeviceSession {
  readonly certificate: ReadCertificate
  clientId: string
  /** It has done what ends the connection; nothing more of it is looked at. */
  isDismissed?: boolean
}

/** What a device is about to do. */
export interface Access {
  readonly action: IotAction
  readonly kind: 'client' | 'topic' | 'topicfilter'
  /** Of the client, the topic or the filter. */
  readonly name: string
}

/** Judges by the policies of the certificate and of the groups that its thing is in, as they are now. */
export function decide(
  registry: Registry,
  { certificate, clientId }: DeviceSession,
  { action, kind, name }: Access
): PolicyDecision {
  const { accountId, region } = registry
  const certificateArn = registry.certificateArn(certificate.certificateId)
  // It may have been revoked or deleted while the device is connected.
  const status = registry.findCertificate(certificate.certificateId)?.status ?? 'deleted'
  if (status !== 'ACTIVE') return { isAllowed: false, reason: `the certificate is ${status}` }
  const things = registry
    .listPrincipalThings(certificateArn)
    .flatMap(({ thingName }) => registry.findThing(thingName) ?? [])
  const thing = thingOfConnection(clientId, certificateArn, things)
  return evaluatePolicies(
    [
      ...registry.listAttachedPolicies(certificateArn),
      ...(thing === undefined ? [] : policiesOfGroups(registry, thing))
    ],
    {
      action,
      resource: `arn:${partitionOf(region)}:iot:${region}:${accountId}:${kind}/${name}`,
      variables: connectionVariables(clientId, certificate, thing)
    }
  )
}
