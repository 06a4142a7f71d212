import type { DeviceCertificateRecord, ThingPrincipal } from '../records.ts'
import { readCertificate } from '../registry/certificates/certificate-reading.ts'
import { evaluateText } from './expression.ts'
import { overrideOf, type PlanContext, refuseConflict, refuseValue } from './plan.ts'
import type { TemplateResource } from './template-engine.ts'

type ThingPrincipalType = ThingPrincipal['thingPrincipalType']

export interface PlannedCertificate {
  readonly logicalName: string
  readonly certificateId: string
  readonly certificatePem: string
  readonly principalType: ThingPrincipalType
  readonly requiredActions: readonly string[]
  /** Makes a certificate known that is not; it is INACTIVE until `settle`. */
  register(): void
  /** Gives the certificate its status. Last, so that no device is let in before everything else is there. */
  settle(): void
}

type SettledStatus = 'ACTIVE' | 'INACTIVE'

/**
 * Judges the certificate of a template. A device that connects has its own certificate activated whatever the
 * override says, short of `FAIL`.
 *
 * Throws `InvalidRequestException`, `ResourceNotFoundException`, `CertificateValidationException`,
 * `ConflictingResourceUpdateException`.
 */
export function planCertificate(resource: TemplateResource, context: PlanContext): PlannedCertificate {
  const { properties, logicalName } = resource
  const text = (name: string) =>
    properties[name] === undefined ? undefined : evaluateText(properties[name], context.scope, name)
  const [id, pem] = [text('CertificateId'), text('CertificatePem')]
  const sources = [id, pem, properties.CertificateSigningRequest].filter(source => source !== undefined)
  if (sources.length !== 1)
    refuseValue('A certificate has one of CertificateId, CertificatePem and CertificateSigningRequest')
  const status = readStatus(text('Status'))
  const principalType = readPrincipalType(text('ThingPrincipalType'))
  const common = { logicalName, principalType }
  const wanted: WantedCertificate = { resource, status }
  if (id !== undefined) return { ...common, ...planKnown(id, wanted, context) }
  if (pem === undefined) return refuseValue('The stand-in does not issue certificates from a signing request')
  if (context.connectingCertificateId !== undefined)
    return refuseValue('A device that connects has its certificate named by CertificateId')
  const pems = { certificatePem: pem, caCertificatePem: text('CACertificatePem') ?? null }
  return { ...common, ...planPem(pems, wanted, context) }
}

/** What a template asks of its certificate, whichever way it says which one. */
interface WantedCertificate {
  readonly resource: TemplateResource
  readonly status: SettledStatus
}

type PlannedFrom = Omit<PlannedCertificate, 'logicalName' | 'principalType'>

function planKnown(
  certificateId: string,
  { resource, status }: WantedCertificate,
  context: PlanContext
): PlannedFrom {
  const { registry, connectingCertificateId } = context
  if (connectingCertificateId !== undefined && certificateId !== connectingCertificateId)
    refuseValue('CertificateId must be {"Ref": "AWS::IoT::Certificate::Id"}')
  const record = registry.describeCertificate(certificateId)
  const isSettled = settlesStatus(record, resource, context)
  return {
    certificateId,
    certificatePem: record.certificatePem,
    requiredActions: isSettled ? ['iot:UpdateCertificate'] : [],
    register: () => undefined,
    settle: () => void (isSettled && registry.setCertificateStatus(certificateId, status))
  }
}

function settlesStatus(
  { certificateId }: DeviceCertificateRecord,
  resource: TemplateResource,
  { settings, connectingCertificateId }: PlanContext
): boolean {
  const override = overrideOf(resource, 'Status', settings)
  if (override === 'FAIL') return refuseConflict(`Certificate ${certificateId}`)
  return override === 'REPLACE' || connectingCertificateId !== undefined
}

function planPem(
  pems: { readonly certificatePem: string; readonly caCertificatePem: string | null },
  wanted: WantedCertificate,
  context: PlanContext
): PlannedFrom {
  const { registry } = context
  const { certificatePem } = pems
  const { certificateId } = readCertificate(certificatePem)
  if (registry.findCertificate(certificateId) !== undefined) return planKnown(certificateId, wanted, context)
  return {
    certificateId,
    certificatePem,
    requiredActions: ['iot:RegisterCertificate'],
    register: () => void registry.registerCertificate({ ...pems, status: 'INACTIVE' }),
    settle: () => void registry.setCertificateStatus(certificateId, wanted.status)
  }
}

/** The developer guide spells the values in more than one case. */
function readStatus(text = 'ACTIVE'): SettledStatus {
  const status = text.toUpperCase()
  return status === 'ACTIVE' || status === 'INACTIVE' ? status : refuseValue(`There is no Status ${text}`)
}

function readPrincipalType(text = 'NON_EXCLUSIVE_THING'): ThingPrincipalType {
  return text === 'EXCLUSIVE_THING' || text === 'NON_EXCLUSIVE_THING'
    ? text
    : refuseValue(`There is no ThingPrincipalType ${text}`)
}
