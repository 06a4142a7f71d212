import type { Expression } from './expression.ts'
import type { ProvisioningTemplate } from './template.ts'

export type ReferenceKind = 'thingType' | 'thingGroup' | 'billingGroup' | 'policy'

/** Something that a template names and provisioning does not make: it must be in the account and region beforehand. */
export interface TemplateReference {
  readonly kind: ReferenceKind
  readonly name: string
}

/** Every reference that is written out, each once. Those that are made from a certificate differ by the device. */
export function templateReferences({ things, policies }: ProvisioningTemplate): readonly TemplateReference[] {
  const found = new Map<string, TemplateReference>()
  const add = (kind: ReferenceKind, expression: Expression | undefined) => {
    if (expression?.kind === 'literal')
      found.set(`${kind} ${expression.value}`, { kind, name: expression.value })
  }
  for (const { thingTypeName, thingGroups, billingGroup } of things) {
    add('thingType', thingTypeName)
    if (thingGroups?.kind === 'list') for (const group of thingGroups.items) add('thingGroup', group)
    add('billingGroup', billingGroup)
  }
  for (const { policyName } of policies) add('policy', policyName)
  return [...found.values()]
}
