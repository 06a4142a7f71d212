import type { ThingGroupRecord } from '../../records.ts'
import { type Call, epochSeconds, type Operation } from '../operation.ts'
import { pageByToken } from '../page.ts'
import { nameOf } from '../resource-name.ts'

export const thingGroupOperations = {
  CreateThingGroup: {
    route: 'POST /thing-groups/{thingGroupName}',
    run({ registry, path, body }) {
      const properties = body.optionalObject('thingGroupProperties')
      const { thingGroupName, thingGroupId } = registry.createThingGroup({
        thingGroupName: path.text('thingGroupName'),
        parentGroupName: body.optionalText('parentGroupName') ?? null,
        description: properties?.optionalText('thingGroupDescription') ?? '',
        attributes: properties?.optionalObject('attributePayload')?.optionalTextMap('attributes') ?? {}
      })
      return { thingGroupName, thingGroupArn: registry.thingGroupArn(thingGroupName), thingGroupId }
    }
  },
  DescribeThingGroup: {
    route: 'GET /thing-groups/{thingGroupName}',
    run: ({ registry, path }) =>
      describeGroup(registry, registry.describeThingGroup(path.text('thingGroupName')))
  },
  ListThingGroups: { route: 'GET /thing-groups', run: listThingGroups },
  AddThingToThingGroup: {
    route: 'PUT /thing-groups/addThingToThingGroup',
    run(call) {
      call.registry.addThingToThingGroup(parseGroup(call), parseThing(call))
      return {}
    }
  },
  RemoveThingFromThingGroup: {
    route: 'PUT /thing-groups/removeThingFromThingGroup',
    run(call) {
      call.registry.removeThingFromThingGroup(parseGroup(call), parseThing(call))
      return {}
    }
  },
  UpdateThingGroupsForThing: {
    route: 'PUT /thing-groups/updateThingGroupsForThing',
    run({ registry, body }) {
      const thingName = body.text('thingName')
      for (const name of body.optionalTexts('thingGroupsToRemove') ?? [])
        registry.removeThingFromThingGroup(name, thingName)
      for (const name of body.optionalTexts('thingGroupsToAdd') ?? [])
        registry.addThingToThingGroup(name, thingName)
      return {}
    }
  },
  ListThingGroupsForThing: {
    route: 'GET /things/{thingName}/thing-groups',
    run({ registry, path, query }) {
      const groups = registry.listThingGroupsForThing(path.text('thingName'))
      return pageOfGroups(registry, query, groups)
    }
  }
} satisfies Readonly<Record<string, Operation>>

function describeGroup(registry: Call['registry'], group: ThingGroupRecord): object {
  const { thingGroupName, thingGroupId, parentGroupName, description, attributes, createdAt } = group
  return {
    thingGroupName,
    thingGroupId,
    thingGroupArn: registry.thingGroupArn(thingGroupName),
    version: 1,
    thingGroupProperties: { thingGroupDescription: description, attributePayload: { attributes } },
    thingGroupMetadata: {
      parentGroupName: parentGroupName ?? undefined,
      rootToParentThingGroups: registry
        .parentsOfThingGroup(thingGroupName)
        .map(parent => groupNameAndArn(registry, parent)),
      creationDate: epochSeconds(createdAt)
    }
  }
}

function listThingGroups({ registry, query }: Call): object {
  const parentName = query.optionalText('parentGroup')
  const prefix = query.optionalText('namePrefixFilter') ?? ''
  const isRecursive = query.optionalFlag('recursive') ?? true
  const isBelow = ({ thingGroupName, parentGroupName }: ThingGroupRecord): boolean => {
    if (!isRecursive) return parentGroupName === (parentName ?? null)
    if (parentName === undefined) return true
    return registry.parentsOfThingGroup(thingGroupName).some(parent => parent.thingGroupName === parentName)
  }
  const groups = registry
    .listThingGroups()
    .filter(({ thingGroupName }) => thingGroupName.startsWith(prefix))
    .filter(isBelow)
  return pageOfGroups(registry, query, groups)
}

function pageOfGroups(
  registry: Call['registry'],
  query: Call['query'],
  groups: readonly ThingGroupRecord[]
): object {
  const { items, next } = pageByToken(query, groups, ({ thingGroupName }) => thingGroupName)
  return { thingGroups: items.map(group => groupNameAndArn(registry, group)), nextToken: next }
}

function groupNameAndArn({ thingGroupArn }: Call['registry'], { thingGroupName }: ThingGroupRecord): object {
  return { groupName: thingGroupName, groupArn: thingGroupArn(thingGroupName) }
}

function parseGroup({ registry, body }: Call): string {
  return nameOf(body, 'thingGroup', registry.thingGroupArn)
}

function parseThing({ registry, body }: Call): string {
  return nameOf(body, 'thing', registry.thingArn)
}
