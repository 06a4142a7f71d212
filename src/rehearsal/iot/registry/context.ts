import type {
  BillingGroupRecord,
  CaCertificateRecord,
  DeviceCertificateRecord,
  LoggingRecord,
  PolicyRecord,
  ProvisioningTemplateRecord,
  ThingGroupRecord,
  ThingRecord,
  ThingTypeRecord
} from '../records.ts'
import type { Arns } from './arns.ts'

/** All that one account has in one region. Each map is keyed by the id or the name of its records. */
export interface RegistryState {
  registrationCode: string | null
  /** Undefined until it is set, as in a new account. */
  logging?: LoggingRecord | undefined
  readonly caCertificates: Map<string, CaCertificateRecord>
  readonly certificates: Map<string, DeviceCertificateRecord>
  readonly things: Map<string, ThingRecord>
  readonly thingTypes: Map<string, ThingTypeRecord>
  readonly thingGroups: Map<string, ThingGroupRecord>
  readonly billingGroups: Map<string, BillingGroupRecord>
  readonly policies: Map<string, PolicyRecord>
  readonly templates: Map<string, ProvisioningTemplateRecord>
  /** As JSON text: devices choose the names of the members. */
  readonly shadows: Map<string, string>
}

/** What the parts of one registry share. */
export interface RegistryContext {
  readonly accountId: string
  readonly region: string
  readonly state: RegistryState
  readonly arns: Arns
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Called after each change of the state. */
  readonly changed: () => void
  /** The states of the other accounts in the same region. */
  readonly otherAccounts: () => readonly RegistryState[]
}

export function emptyState(): RegistryState {
  return {
    registrationCode: null,
    caCertificates: new Map(),
    certificates: new Map(),
    things: new Map(),
    thingTypes: new Map(),
    thingGroups: new Map(),
    billingGroups: new Map(),
    policies: new Map(),
    templates: new Map(),
    shadows: new Map()
  }
}
