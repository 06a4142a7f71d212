/** What the stand-in holds, one interface for each kind of thing in AWS IoT's registry. Times are in milliseconds. */
export interface CaCertificateRecord {
  /** SHA-256 of the DER, lower-case hex. */
  readonly certificateId: string
  readonly certificatePem: string
  readonly certificateMode: CertificateMode
  readonly status: CaStatus
  readonly autoRegistrationStatus: AutoRegistrationStatus
  /** Null registers devices just in time for a rule to look at (JITR). */
  readonly registrationConfig: RegistrationConfig | null
  readonly createdAt: number
  readonly modifiedAt: number
  readonly customerVersion: number
}

export type CertificateMode = 'DEFAULT' | 'SNI_ONLY'
export type CaStatus = 'ACTIVE' | 'INACTIVE'
export type AutoRegistrationStatus = 'ENABLE' | 'DISABLE'

export type RegistrationConfig =
  { readonly templateBody: string; readonly roleArn: string } | { readonly templateName: string }

export interface DeviceCertificateRecord {
  /** SHA-256 of the DER, lower-case hex. */
  readonly certificateId: string
  readonly certificatePem: string
  readonly certificateMode: CertificateMode
  readonly status: CertificateStatus
  /** Null where it was registered without a CA. */
  readonly caCertificateId: string | null
  readonly createdAt: number
  readonly modifiedAt: number
  readonly customerVersion: number
}

export type CertificateStatus = 'PENDING_ACTIVATION' | 'PENDING_TRANSFER' | 'ACTIVE' | 'INACTIVE' | 'REVOKED'

export interface ThingRecord {
  readonly thingName: string
  readonly thingId: string
  readonly thingTypeName: string | null
  readonly attributes: Readonly<Record<string, string>>
  readonly billingGroupName: string | null
  readonly thingGroups: readonly string[]
  /** ARNs of certificates, in the order of attachment. */
  readonly principals: readonly ThingPrincipal[]
  readonly version: number
}

export interface ThingPrincipal {
  readonly principal: string
  readonly thingPrincipalType: 'EXCLUSIVE_THING' | 'NON_EXCLUSIVE_THING'
}

export interface PolicyRecord {
  readonly policyName: string
  /** Of the default version. */
  readonly policyDocument: string
  /** ARNs of certificates and of thing groups. */
  readonly targets: readonly string[]
  readonly createdAt: number
  /** The oldest one first. Absent: one, number 1. */
  readonly versions?: readonly PolicyVersion[] | undefined
  /** Absent: 1. */
  readonly defaultVersionId?: string | undefined
  /** Ever made. Absent: 1. */
  readonly newestVersionId?: string | undefined
}

export interface PolicyVersion {
  readonly versionId: string
  readonly policyDocument: string
  readonly createdAt: number
}

export interface ShadowRecord {
  readonly thingName: string
  /** Null for the classic one. */
  readonly shadowName: string | null
  readonly state: ShadowSections
  /** A timestamp in the place of each value of the state. */
  readonly metadata: ShadowSections
  readonly version: number
  /** Of the last change, in seconds since 1970. */
  readonly timestamp: number
  /** Only its version is still known. */
  readonly isDeleted: boolean
}

type ShadowSections = Readonly<Partial<Record<'desired' | 'reported', Readonly<Record<string, unknown>>>>>

/** Values by key. */
export type Tags = Readonly<Record<string, string>>

export interface ProvisioningTemplateRecord {
  readonly templateName: string
  readonly type: 'FLEET_PROVISIONING' | 'JITP'
  readonly description: string
  readonly templateBody: string
  readonly enabled: boolean
  readonly provisioningRoleArn: string
  /** None where it is absent. */
  readonly tags?: Tags | undefined
  readonly createdAt: number
  readonly modifiedAt: number
  /** The version whose body is `templateBody`. */
  readonly defaultVersionId: number
  /** The oldest one first. */
  readonly versions: readonly ProvisioningTemplateVersion[]
}

export interface ProvisioningTemplateVersion {
  readonly versionId: number
  readonly templateBody: string
  readonly createdAt: number
}

export interface ThingTypeRecord {
  readonly thingTypeName: string
  readonly thingTypeId: string
  readonly description: string
  readonly searchableAttributes: readonly string[]
  readonly createdAt: number
}

export interface ThingGroupRecord {
  readonly thingGroupName: string
  readonly thingGroupId: string
  readonly parentGroupName: string | null
  readonly description: string
  readonly attributes: Readonly<Record<string, string>>
  readonly createdAt: number
}

export interface BillingGroupRecord {
  readonly billingGroupName: string
  readonly billingGroupId: string
  readonly description: string
  readonly createdAt: number
}

/** What IAM would know of a role. */
export interface RoleRecord {
  readonly roleArn: string
  /** The trust policy, JSON. */
  readonly assumeRolePolicyDocument: string
  /** Inline policies by name, JSON. */
  readonly policies: Readonly<Record<string, string>>
  /** ARNs of managed policies. */
  readonly attachedPolicyArns: readonly string[]
  readonly createdAt?: number
}

/** What a device did or met, as CloudTrail and the log group of AWS IoT would have it. */
export interface ProvisioningLogEntry {
  readonly at: number
  readonly eventType:
    | 'ProvisionDevice'
    | 'RegisterThing'
    | 'Connect'
    | 'Publish'
    | 'Subscribe'
    | 'GetThingShadow'
    | 'UpdateThingShadow'
    | 'DeleteThingShadow'
    | 'CreateKeysAndCertificate'
    | 'CreateCertificateFromCsr'
  readonly outcome: 'Success' | 'Failure'
  /** The name of an error of AWS IoT, such as `InvalidRequestException`; absent on success. */
  readonly errorCode?: string
  /** Why, in words for the person who rehearses. */
  readonly reason?: string
  readonly certificateId?: string
  readonly caCertificateId?: string
  readonly thingName?: string
  readonly clientId?: string
  readonly topic?: string
}

/** What AWS IoT writes to CloudWatch for an account and region. */
export interface LoggingRecord {
  readonly roleArn: string
  readonly defaultLogLevel: string
  readonly disableAllLogs: boolean
}
