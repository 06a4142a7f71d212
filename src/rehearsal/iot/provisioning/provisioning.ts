import { type IotErrorName, IotRefusal } from '../iot-refusal.ts'
import { policiesOfTargetMaximum } from '../registry/policies/policies.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { planCertificate } from './certificate-plan.ts'
import { evaluateText } from './expression.ts'
import type { PlanContext, PlannedResource } from './plan.ts'
import { planPolicy } from './policy-plan.ts'
import { assertRoleAllows } from './role-permission.ts'
import { parseTemplateBody, type TemplateDocument } from './template-engine.ts'
import { planThing } from './thing-plan.ts'

export interface Registration {
  readonly templateBody: string
  readonly parameters: ReadonlyMap<string, string>
  /** The role that just-in-time provisioning assumes. A caller of RegisterThing acts for itself, without one. */
  readonly roleArn?: string | undefined
  /** Parameters that have no value though a `Default` may be there, and why. */
  readonly withheld?: ReadonlyMap<string, string> | undefined
}

export interface RegisteredThing {
  readonly certificatePem: string
  /** By the logical names of the template. */
  readonly resourceArns: Readonly<Record<string, string>>
}

const certificateIdParameter = 'AWS::IoT::Certificate::Id'

/** The errors that RegisterThing has in the service model. */
const modelledErrors: readonly IotErrorName[] = [
  'ConflictingResourceUpdateException',
  'InternalFailureException',
  'InvalidRequestException',
  'ResourceRegistrationFailureException',
  'ServiceUnavailableException',
  'ThrottlingException',
  'UnauthorizedException'
]

/**
 * Executes a provisioning template: a thing, its certificate, its policies, and what ties them together. All of the
 * template is judged before any of it is done, so that a refusal leaves nothing behind; in AWS IoT a failure on the
 * way may leave resources.
 *
 * With a role it is just-in-time provisioning: every declared parameter needs a value, the certificate is the one
 * whose id the parameters carry, and the role must allow what is done. Each attempt is logged as `RegisterThing`.
 *
 * Throws IotRefusal with an error of RegisterThing.
 */
export function registerThing(
  registry: Registry,
  settings: StandInSettings,
  registration: Registration
): RegisteredThing {
  const certificateId = registration.parameters.get(certificateIdParameter)
  const subject = certificateId === undefined ? {} : { certificateId }
  try {
    const registered = execute(registry, settings, registration)
    registry.log({ eventType: 'RegisterThing', outcome: 'Success', ...subject })
    return registered
  } catch (error) {
    if (!(error instanceof IotRefusal)) throw error
    const refusal = modelledErrors.includes(error.errorName)
      ? error
      : new IotRefusal('ResourceRegistrationFailureException', error.message)
    const { errorName: errorCode, message: reason } = refusal
    registry.log({ eventType: 'RegisterThing', outcome: 'Failure', errorCode, reason, ...subject })
    throw refusal
  }
}

function execute(registry: Registry, settings: StandInSettings, registration: Registration): RegisteredThing {
  const template = parseTemplateBody(registration.templateBody, settings)
  const { roleArn } = registration
  const context: PlanContext = {
    registry,
    settings,
    scope: {
      values: parameterValues(template, registration, settings),
      mappings: template.mappings,
      intrinsicFunctions: settings.intrinsicFunctions
    },
    connectingCertificateId:
      roleArn === undefined ? undefined : registration.parameters.get(certificateIdParameter)
  }
  const [certificate] = template.certificates.map(resource => planCertificate(resource, context))
  if (certificate === undefined) throw new Error('a template document has a certificate')
  const resources = [
    ...template.things.map(resource => planThing(resource, certificate, context)),
    ...template.policies.map(resource => planPolicy(resource, context))
  ]
  for (const [name, value] of Object.entries(template.deviceConfiguration))
    evaluateText(value, context.scope, `DeviceConfiguration ${name}`)
  assertRoomForPolicies(resources, certificate.certificateId, registry)
  if (roleArn !== undefined) {
    const actions = [certificate, ...resources].flatMap(({ requiredActions }) => requiredActions)
    assertRoleAllows(roleArn, registry.findRole(roleArn), actions)
  }
  const certificateArn = registry.certificateArn(certificate.certificateId)
  certificate.register()
  const arns = resources.map(({ logicalName, apply }): [string, string] => [
    logicalName,
    apply(certificateArn)
  ])
  certificate.settle()
  return {
    certificatePem: certificate.certificatePem,
    resourceArns: { [certificate.logicalName]: certificateArn, ...Object.fromEntries(arns) }
  }
}

/** Judged before anything is done: the last attachment would fail after all the others. */
function assertRoomForPolicies(
  resources: readonly PlannedResource[],
  certificateId: string,
  registry: Registry
): void {
  const isKnown = registry.findCertificate(certificateId) !== undefined
  const attached = isKnown ? registry.listAttachedPolicies(registry.certificateArn(certificateId)) : []
  const names = new Set([
    ...attached.map(({ policyName }) => policyName),
    ...resources.flatMap(({ policyName }) => policyName ?? [])
  ])
  if (names.size > policiesOfTargetMaximum)
    throw new IotRefusal(
      'InvalidRequestException',
      `The certificate would have ${names.size} policies; ${policiesOfTargetMaximum} are the most.`
    )
}

/** The value of each declared parameter; in just-in-time provisioning one without a value is the end of it. */
function parameterValues(
  { parameters }: TemplateDocument,
  { parameters: given, withheld, roleArn }: Registration,
  { undeclaredCertificateId }: StandInSettings
): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [name, fallback] of parameters) {
    const value = withheld?.has(name) === true ? undefined : (given.get(name) ?? fallback)
    if (value !== undefined) values.set(name, value)
    else if (roleArn !== undefined) {
      const reason = withheld?.get(name) ?? 'the certificate does not have it'
      throw new IotRefusal('InvalidRequestException', `The parameter ${name} has no value: ${reason}.`)
    }
  }
  const certificateId = given.get(certificateIdParameter)
  if (undeclaredCertificateId === 'accept' && certificateId !== undefined)
    values.set(certificateIdParameter, certificateId)
  return values
}
