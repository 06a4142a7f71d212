import { checkTemplate } from '../../../jitp/checks/check.ts'
import { readTemplateSource } from '../../../jitp/reading/template-source.ts'
import { placeOfRole } from '../../../jitp/template/registration-place.ts'
import type { Drift } from '../../iot/examination.ts'
import { partitionOf } from '../../iot/place.ts'

export interface Registered {
  readonly place: { readonly region: string }
  readonly target: {
    readonly provisioning: { readonly roleArn: string; readonly templateBody: string } | null
  }
}

/** A template has 10,240 characters, and the answer is for a person. */
const resourcesNamed = 5

/**
 * What the policies of the template name in another account, region or partition than the one they are registered in. A
 * profile is for many of them, so that only a registration can tell. Pure.
 */
export function policyWarnings({ target, place }: Registered): readonly string[] {
  const { elsewhere, isShutOut } = judgePolicies({ target, place })
  if (elsewhere.length === 0) return []
  const resources = [...new Set(elsewhere.map(({ found }) => found))]
  const rest = resources.length - resourcesNamed
  const named = resources.slice(0, resourcesNamed).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
  const outcome = isShutOut ? ' The policies let no device connect here.' : ''
  return [
    `The policies of the template name ${named}: devices in ${place.region} never meet that. Write ${elsewhere[0]?.expected}, or * for what differs.${outcome}`
  ]
}

/** Where the policies let devices connect somewhere, and not here: every one would be provisioned and shut out. Pure. */
export function policyDrift({ target, place }: Registered): readonly Drift[] {
  const { elsewhere, isShutOut } = judgePolicies({ target, place })
  const [first] = elsewhere
  if (first === undefined || !isShutOut) return []
  return [{ field: 'policy', expected: `devices of ${place.region} may connect`, found: first.found }]
}

function judgePolicies({ target: { provisioning }, place }: Registered) {
  if (provisioning === null) return { elsewhere: [], isShutOut: false }
  const registeredAt = {
    ...placeOfRole(provisioning.roleArn),
    partition: partitionOf(place.region),
    region: place.region
  }
  const findings = checkTemplate(readTemplateSource(provisioning.templateBody), { registeredAt })
  return {
    elsewhere: findings.filter(({ id }) => id === 'policy-resource-elsewhere'),
    isShutOut: findings.some(({ id }) => id === 'policy-lets-nobody-connect')
  }
}
