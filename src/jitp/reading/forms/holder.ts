import type { JsonObject, JsonValue } from '../json/source.ts'

/** What holds the body of a provisioning template in a file. */
export interface TemplateHolder {
  /** As the file names it: a logical name of CloudFormation, an address of Terraform; empty where it has no name. */
  readonly name: string
  /** Of `members` in the file. */
  readonly pointer: string
  readonly members: JsonObject
  /** The name of the member that holds the body. */
  readonly body: string
  /** The name of the member that holds the role; undefined where a file of its kind has none. */
  readonly roleArn: string | undefined
  /** The type of the stored template; undefined where it is not known, or nothing is stored. */
  readonly type: StoredType | undefined
  /** Whether the body is a text of Terraform's language, in which `${…}` is Terraform's. */
  readonly isTerraformText?: boolean
}

type StoredType = 'JITP' | 'FLEET_PROVISIONING'

/** AWS takes a template for one of fleet provisioning unless told otherwise. Undefined for what is not written out. */
export function storedTypeOf(value: JsonValue | undefined): StoredType | undefined {
  if (value === undefined || value === null || value === 'FLEET_PROVISIONING') return 'FLEET_PROVISIONING'
  return value === 'JITP' ? value : undefined
}

/** The holder to read: the only one, or the only one of type JITP. Undefined where that is for the user to choose. */
export function chooseHolder(holders: readonly TemplateHolder[]): TemplateHolder | undefined {
  if (holders.length === 1) return holders[0]
  const fitting = holders.filter(({ type }) => type !== 'FLEET_PROVISIONING')
  return fitting.length === 1 ? fitting[0] : undefined
}

const hookNames = ['PreProvisioningHook', 'preProvisioningHook', 'pre_provisioning_hook']

/** The name of the member with a hook that runs before provisioning, if there is one. */
export function hookOf({ members }: TemplateHolder): string | undefined {
  return hookNames.find(name => {
    const hook = members[name]
    return hook !== undefined && hook !== null && !(Array.isArray(hook) && hook.length === 0)
  })
}

/** The name of the member that says that the stored template is not enabled. */
export function disabledBy({ members }: TemplateHolder): string | undefined {
  return ['Enabled', 'enabled'].find(name => members[name] === false || members[name] === 'false')
}
