import type { ObservedRegistration, TargetRegistration } from '../../iot/ca-registration.ts'
import type { Drift } from '../../iot/examination.ts'
import type { Observation } from '../../iot/observation.ts'
import { findTemplateDifferences } from './template-difference.ts'

const nothing = 'none'

/** Every field in which AWS IoT differs from the target; of the template, every place. Pure. */
export function findDrift(
  target: TargetRegistration,
  observation: Pick<Observation, 'observed' | 'templateBody'> | undefined
): readonly Drift[] {
  if (observation === undefined)
    return [{ field: 'registration', expected: 'registered', found: 'not registered' }]
  const { observed, templateBody } = observation
  const { provisioning } = target
  const pairs: readonly (readonly [string, string | boolean | null, string | boolean | null])[] = [
    ['certificateMode', target.certificateMode, observed.certificateMode],
    ['status', target.status, observed.status],
    ['autoRegistration', target.autoRegistration, observed.autoRegistration],
    ['roleArn', provisioning?.roleArn ?? null, observed.roleArn],
    ['template', provisioning?.templateSha256 ?? null, observed.templateSha256],
    ['templateName', provisioning?.templateName ?? null, observed.templateName],
    ...storedTemplatePairs(target, observed)
  ]
  return pairs.flatMap(([field, expected, found]) => {
    if (expected === found) return []
    if (field === 'template' && provisioning !== null && templateBody !== undefined)
      return findTemplateDifferences(provisioning.templateBody, templateBody)
    return [{ field, expected: textOf(expected), found: textOf(found) }]
  })
}

/** Only told of the stored template that is asked for; of another one, the name says it all. */
function storedTemplatePairs({ provisioning }: TargetRegistration, observed: ObservedRegistration) {
  const templateName = provisioning?.templateName ?? null
  if (templateName === null || templateName !== observed.templateName) return []
  return [
    ['templateEnabled', true, observed.templateEnabled],
    ['templateType', 'JITP', observed.templateType]
  ] as const
}

function textOf(value: string | boolean | null): string {
  return value === null ? nothing : String(value)
}
