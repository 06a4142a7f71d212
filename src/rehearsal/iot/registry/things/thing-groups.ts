import { randomUUID } from 'node:crypto'
import { IotRefusal } from '../../iot-refusal.ts'
import type { ThingGroupRecord, ThingRecord } from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { assertAttributes, assertName } from '../names.ts'
import { thingOf } from './things.ts'

type NewThingGroup = Pick<
  ThingGroupRecord,
  'thingGroupName' | 'parentGroupName' | 'description' | 'attributes'
>

/** Static thing groups. */
export interface ThingGroups {
  /** The same group again answers with the one there is; a different one throws `ResourceAlreadyExistsException`. */
  createThingGroup(group: NewThingGroup): ThingGroupRecord
  /** Throws `ResourceNotFoundException`. */
  describeThingGroup(thingGroupName: string): ThingGroupRecord
  listThingGroups(): readonly ThingGroupRecord[]
  /** The groups above, the root first. */
  parentsOfThingGroup(thingGroupName: string): readonly ThingGroupRecord[]
  /** At most ten groups, never two of one hierarchy: throws `InvalidRequestException`. */
  addThingToThingGroup(thingGroupName: string, thingName: string): void
  /** Does nothing when it is not in it. */
  removeThingFromThingGroup(thingGroupName: string, thingName: string): void
  listThingGroupsForThing(thingName: string): readonly ThingGroupRecord[]
}

const groupsMaximum = 10

export function createThingGroups(context: RegistryContext): ThingGroups {
  const { state, clock, changed } = context
  const describeThingGroup = (thingGroupName: string) => thingGroupOf(context, thingGroupName)
  const setGroups = (thing: ThingRecord, thingGroups: readonly string[]): void => {
    state.things.set(thing.thingName, { ...thing, thingGroups })
    changed()
  }
  return {
    createThingGroup(group) {
      const { thingGroupName, parentGroupName } = group
      assertName('thingGroupName', thingGroupName)
      assertAttributes(group.attributes, 50)
      const existing = state.thingGroups.get(thingGroupName)
      if (existing !== undefined) return assertSame(context, existing, group)
      if (parentGroupName !== null) describeThingGroup(parentGroupName)
      const record = { ...group, thingGroupId: randomUUID(), createdAt: clock() }
      state.thingGroups.set(thingGroupName, record)
      changed()
      return record
    },
    describeThingGroup,
    listThingGroups: () => [...state.thingGroups.values()],
    parentsOfThingGroup: thingGroupName => lineOf(context, thingGroupName).slice(0, -1),
    addThingToThingGroup(thingGroupName, thingName) {
      const rootName = lineOf(context, thingGroupName)[0]?.thingGroupName
      const thing = thingOf(context, thingName)
      if (thing.thingGroups.includes(thingGroupName)) return
      if (thing.thingGroups.some(other => lineOf(context, other)[0]?.thingGroupName === rootName))
        throw new IotRefusal('InvalidRequestException', `The thing is in a group below ${rootName} already.`)
      if (thing.thingGroups.length >= groupsMaximum)
        throw new IotRefusal('InvalidRequestException', 'The thing is in 10 groups already.')
      setGroups(thing, [...thing.thingGroups, thingGroupName])
    },
    removeThingFromThingGroup(thingGroupName, thingName) {
      describeThingGroup(thingGroupName)
      const thing = thingOf(context, thingName)
      setGroups(
        thing,
        thing.thingGroups.filter(other => other !== thingGroupName)
      )
    },
    listThingGroupsForThing: thingName => thingOf(context, thingName).thingGroups.map(describeThingGroup)
  }
}

/** Throws `ResourceNotFoundException`. */
function thingGroupOf({ state }: RegistryContext, thingGroupName: string): ThingGroupRecord {
  const group = state.thingGroups.get(thingGroupName)
  if (group !== undefined) return group
  throw new IotRefusal('ResourceNotFoundException', `Thing group ${thingGroupName} not found.`)
}

/** From the root down to the group itself. */
function lineOf(context: RegistryContext, thingGroupName: string): readonly ThingGroupRecord[] {
  const group = thingGroupOf(context, thingGroupName)
  return group.parentGroupName === null ? [group] : [...lineOf(context, group.parentGroupName), group]
}

function assertSame({ arns }: RegistryContext, existing: ThingGroupRecord, group: NewThingGroup) {
  const { thingGroupName } = existing
  const configOf = ({ parentGroupName, description, attributes }: NewThingGroup) =>
    JSON.stringify([parentGroupName, description, Object.entries(attributes).toSorted()])
  if (configOf(existing) === configOf(group)) return existing
  throw new IotRefusal('ResourceAlreadyExistsException', `Thing group ${thingGroupName} exists.`, {
    resourceId: thingGroupName,
    resourceArn: arns.thingGroupArn(thingGroupName)
  })
}
