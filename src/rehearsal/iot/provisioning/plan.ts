import { IotRefusal } from '../iot-refusal.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import type { ExpressionScope } from './expression.ts'
import type { OverrideSetting, TemplateResource } from './template-engine.ts'

/** One resource of a template that nothing stands against any more. */
export interface PlannedResource {
  readonly logicalName: string
  /** What the role must allow for it. */
  readonly requiredActions: readonly string[]
  /** Of a policy: its name, which is attached to the certificate. */
  readonly policyName?: string
  /**
   * Makes or changes the resource and ties it to the certificate.
   *
   * @returns its ARN.
   */
  apply(certificateArn: string): string
}

/** What a plan is made from. */
export interface PlanContext {
  readonly registry: Registry
  readonly settings: StandInSettings
  readonly scope: ExpressionScope
  /** The certificate of a device that connects, which the template must name; undefined for other callers. */
  readonly connectingCertificateId: string | undefined
}

/** What the template wants done with a property of a resource that exists already. */
export function overrideOf(
  { overrides }: TemplateResource,
  property: string,
  { absentOverride }: StandInSettings
): OverrideSetting {
  return overrides[property] ?? absentOverride
}

/** Throws `ConflictingResourceUpdateException`. */
export function refuseConflict(what: string): never {
  throw new IotRefusal(
    'ConflictingResourceUpdateException',
    `${what} exists already, and its override is FAIL.`
  )
}

/** Throws `InvalidRequestException`. */
export function refuseValue(reason: string): never {
  throw new IotRefusal('InvalidRequestException', `Invalid registration template. ${reason}.`)
}
