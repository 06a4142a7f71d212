import type { PolicyRecord, ThingRecord } from '../../records.ts'
import type { Registry } from '../registry.ts'

/** Of the groups that the thing is in, and of those above them. */
export function policiesOfGroups(registry: Registry, { thingGroups }: ThingRecord): readonly PolicyRecord[] {
  return thingGroups.flatMap(thingGroupName =>
    [...registry.parentsOfThingGroup(thingGroupName), { thingGroupName }].flatMap(group =>
      registry.listAttachedPolicies(registry.thingGroupArn(group.thingGroupName))
    )
  )
}
