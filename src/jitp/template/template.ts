import type { JsonObject } from '../reading/json/source.ts'
import type { Expression, ListExpression } from './expression.ts'

/** A provisioning template, read into its parts. What could not be read is left out and was reported. */
export interface ProvisioningTemplate {
  readonly parameters: ReadonlyMap<string, Parameter>
  readonly things: readonly ThingResource[]
  readonly certificates: readonly CertificateResource[]
  readonly policies: readonly PolicyResource[]
  /** Undefined where the template has no Mappings. */
  readonly mappings: Mappings | undefined
  /** Undefined where the template has no DeviceConfiguration. */
  readonly deviceConfiguration: readonly NamedText[] | undefined
  /** False where something could not be read, so that a missing part need not mean that nothing was written. */
  readonly isComplete: boolean
}

export interface Parameter {
  readonly name: string
  readonly defaultValue: string | undefined
  readonly pointer: string
}

/** Map name → top key → second key → value. */
export type Mappings = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, string>>>

interface ResourceFields {
  readonly logicalName: string
  /** Of the resource itself. */
  readonly pointer: string
  /** Undefined where the resource has no OverrideSettings. */
  readonly overrides: readonly Override[] | undefined
}

export interface Override {
  readonly key: string
  readonly value: string
  readonly pointer: string
}

/** A member of an object whose values are texts. */
export interface NamedText {
  readonly name: string
  readonly value: Expression
  readonly pointer: string
}

/** AWS::IoT::Thing. */
export interface ThingResource extends ResourceFields {
  readonly thingName: Expression | undefined
  readonly attributes: readonly NamedText[]
  readonly thingTypeName: Expression | undefined
  readonly thingGroups: ListExpression | undefined
  readonly billingGroup: Expression | undefined
  /** Undefined where the thing has no PackageVersions. */
  readonly packageVersions: readonly Expression[] | undefined
}

/** AWS::IoT::Certificate. */
export interface CertificateResource extends ResourceFields {
  readonly certificateId: Expression | undefined
  /** Pointers of the forms that only other kinds of provisioning take. */
  readonly otherForms: readonly string[]
  readonly status: Expression | undefined
  readonly thingPrincipalType: Expression | undefined
}

/** AWS::IoT::Policy. */
export interface PolicyResource extends ResourceFields {
  readonly policyName: Expression | undefined
  readonly policyDocument: Expression | PolicyDocumentObject | undefined
}

/** A policy document that was written as an object instead of a string. */
export interface PolicyDocumentObject {
  readonly kind: 'object'
  readonly value: JsonObject
  readonly pointer: string
}
