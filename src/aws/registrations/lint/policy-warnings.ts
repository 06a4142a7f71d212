import { checkTemplate } from '../../../jitp/checks/check.ts'
import type { Finding } from '../../../jitp/findings/finding.ts'
import { readTemplateSource } from '../../../jitp/reading/template-source.ts'
import { placeOfRole } from '../../../jitp/template/registration-place.ts'
import type { Drift } from '../../iot/examination.ts'
import { partitionOf } from '../../iot/place.ts'

interface Registered {
  readonly place: { readonly region: string }
  readonly target: {
    readonly provisioning: { readonly roleArn: string; readonly templateBody: string } | null
  }
}

/** A template has 10,240 characters, and the answer is for a person. */
const resourcesNamed = 5

/** The policies of a template, held against the place where it is registered. */
export interface JudgedPolicies {
  readonly region: string
  /** What they name in another account, region or partition. */
  readonly elsewhere: readonly Finding[]
  /** Whether they let no device connect. */
  readonly isShutOut: boolean
}

/** What is to be told of policies that name another place. A profile is for many of them, so that only a registration can tell. Pure. */
export function policyWarnings({ region, elsewhere, isShutOut }: JudgedPolicies): readonly string[] {
  if (elsewhere.length === 0) return []
  const resources = [...new Set(elsewhere.map(({ found }) => found))]
  const rest = resources.length - resourcesNamed
  const named = resources.slice(0, resourcesNamed).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
  const outcome = isShutOut ? ' The policies let no device connect here.' : ''
  return [
    `The policies of the template name ${named}: devices in ${region} never meet that. Write ${elsewhere[0]?.expected}, or * for what differs.${outcome}`
  ]
}

/** Where the policies let devices connect somewhere, and not here: every one would be provisioned and shut out. Pure. */
export function policyDrift({ region, elsewhere, isShutOut }: JudgedPolicies): readonly Drift[] {
  const [first] = elsewhere
  if (first === undefined || !isShutOut) return []
  return [{ field: 'policy', expected: `devices of ${region} may connect`, found: first.found }]
}

/** Takes up to 20 ms: once for a run. Pure. */
export function judgePolicies({ target: { provisioning }, place: { region } }: Registered): JudgedPolicies {
  if (provisioning === null) return { region, elsewhere: [], isShutOut: false }
  const registeredAt = { ...placeOfRole(provisioning.roleArn), partition: partitionOf(region), region }
  const findings = checkTemplate(readTemplateSource(provisioning.templateBody), { registeredAt })
  return {
    region,
    elsewhere: findings.filter(({ id }) => id === 'policy-resource-elsewhere'),
    isShutOut: findings.some(({ id }) => id === 'policy-lets-nobody-connect')
  }
}
