import type { ProvisioningLogEntry, RoleRecord } from '../records.ts'
import { createStateFile, loadState } from '../state-file.ts'
import { type Arns, createArns } from './arns.ts'
import { type CaCertificates, createCaCertificates } from './certificates/ca-certificates.ts'
import { type Certificates, createCertificates } from './certificates/certificates.ts'
import { emptyState, type RegistryContext } from './context.ts'
import { createLogging, type Logging } from './logging.ts'
import { createPolicies, type Policies } from './policies/policies.ts'
import { createProvisioningTemplates, type ProvisioningTemplates } from './provisioning-templates.ts'
import { createShadows, type Shadows } from './shadows/shadows.ts'
import { createThingGroups, type ThingGroups } from './things/thing-groups.ts'
import { createThingPrincipals, type ThingPrincipals } from './things/thing-principals.ts'
import { createThingTypes, type ThingTypes } from './things/thing-types.ts'
import { createThings, type Things } from './things/things.ts'

/**
 * What one account has in one region of AWS IoT, and the roles of IAM. Everything is synchronous; what is not allowed
 * throws IotRefusal with the name that AWS IoT uses.
 */
export interface Registry
  extends
    Arns,
    CaCertificates,
    Certificates,
    Things,
    ThingPrincipals,
    ThingGroups,
    ThingTypes,
    Logging,
    Policies,
    ProvisioningTemplates,
    Shadows {
  readonly accountId: string
  readonly region: string
  findRole(roleArn: string): RoleRecord | undefined
  /** Of the account, whatever the region. */
  listRoles(): readonly RoleRecord[]
  /** In place of the role of that ARN, if there is one. */
  putRole(role: RoleRecord): void
  /** Does nothing when there is none. */
  removeRole(roleArn: string): void
  log(entry: Omit<ProvisioningLogEntry, 'at'>): void
  /** Since the start, the oldest first; the newest 10,000. */
  readonly entries: readonly ProvisioningLogEntry[]
  /** Resolves when every change so far would outlive the process. */
  saved(): Promise<void>
  /** The registry of another account or region of the same stand-in, empty at first. */
  neighbour(accountId: string, region: string): Registry
  /** Of every account and region that was asked for so far, this one included. */
  registries(): readonly Registry[]
}

export interface RegistryOptions {
  readonly accountId: string
  readonly region: string
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Where the state outlives the process: JSON for its owner alone. */
  readonly stateFile?: string | undefined
  readonly onLog?: ((entry: ProvisioningLogEntry) => void) | undefined
}

const entriesMaximum = 10_000

/** Throws an Error when the state file is there but is not one. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { stateFile, clock, onLog } = options
  const state = await loadState(stateFile)
  const file = stateFile === undefined ? undefined : createStateFile(stateFile, state)
  const changed = () => file?.touch()
  const registries = new Map<string, Registry>()

  const openRegistry = (accountId: string, region: string): Registry => {
    const key = `${accountId}/${region}`
    const known = registries.get(key)
    if (known !== undefined) return known
    const ownState = state.registries.get(key) ?? emptyState()
    state.registries.set(key, ownState)
    const context: RegistryContext = {
      accountId,
      region,
      state: ownState,
      arns: createArns(accountId, region),
      clock,
      changed,
      otherAccounts: () =>
        [...state.registries]
          .filter(([other]) => other !== key && other.endsWith(`/${region}`))
          .map(([, otherState]) => otherState)
    }
    const registry: Registry = {
      ...createParts(context),
      ...createLog(clock, onLog),
      accountId,
      region,
      findRole: roleArn => state.roles.get(roleArn),
      listRoles: () => [...state.roles.values()].filter(({ roleArn }) => roleArn.includes(`::${accountId}:`)),
      putRole(role) {
        state.roles.set(role.roleArn, role)
        changed()
      },
      removeRole(roleArn) {
        if (state.roles.delete(roleArn)) changed()
      },
      saved: async () => file?.saved(),
      neighbour: openRegistry,
      registries: () => [...registries.values()]
    }
    registries.set(key, registry)
    return registry
  }
  return openRegistry(options.accountId, options.region)
}

function createParts(context: RegistryContext) {
  return {
    ...context.arns,
    ...createCaCertificates(context),
    ...createCertificates(context),
    ...createThings(context),
    ...createThingPrincipals(context),
    ...createThingGroups(context),
    ...createThingTypes(context),
    ...createLogging(context),
    ...createPolicies(context),
    ...createProvisioningTemplates(context),
    ...createShadows(context)
  }
}

function createLog(clock: () => number, onLog: RegistryOptions['onLog']): Pick<Registry, 'log' | 'entries'> {
  const entries: ProvisioningLogEntry[] = []
  return {
    entries,
    log(entry) {
      const stamped = { at: clock(), ...entry }
      entries.push(stamped)
      if (entries.length > entriesMaximum) entries.shift()
      onLog?.(stamped)
    }
  }
}
