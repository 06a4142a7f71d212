import type { ThingTypeRecord } from '../../records.ts'
import { type Call, epochSeconds, type Operation } from '../operation.ts'
import { pageByToken } from '../page.ts'
import { nameOf } from '../resource-name.ts'

export const thingTypeOperations = {
  CreateThingType: {
    route: 'POST /thing-types/{thingTypeName}',
    run({ registry, path, body }) {
      const properties = body.optionalObject('thingTypeProperties')
      const { thingTypeName, thingTypeId } = registry.createThingType({
        thingTypeName: path.text('thingTypeName'),
        description: properties?.optionalText('thingTypeDescription') ?? '',
        searchableAttributes: properties?.optionalTexts('searchableAttributes') ?? []
      })
      return { thingTypeName, thingTypeArn: registry.thingTypeArn(thingTypeName), thingTypeId }
    }
  },
  DescribeThingType: {
    route: 'GET /thing-types/{thingTypeName}',
    run({ registry, path }) {
      const type = registry.describeThingType(path.text('thingTypeName'))
      return { ...describeType(registry, type), thingTypeId: type.thingTypeId }
    }
  },
  ListThingTypes: {
    route: 'GET /thing-types',
    run({ registry, query }) {
      const chosenName = query.optionalText('thingTypeName')
      const types = registry
        .listThingTypes()
        .filter(({ thingTypeName }) => chosenName === undefined || thingTypeName === chosenName)
      const { items, next } = pageByToken(query, types, ({ thingTypeName }) => thingTypeName)
      return { thingTypes: items.map(type => describeType(registry, type)), nextToken: next }
    }
  },
  CreateBillingGroup: {
    route: 'POST /billing-groups/{billingGroupName}',
    run({ registry, path, body }) {
      const properties = body.optionalObject('billingGroupProperties')
      const { billingGroupName, billingGroupId } = registry.createBillingGroup({
        billingGroupName: path.text('billingGroupName'),
        description: properties?.optionalText('billingGroupDescription') ?? ''
      })
      const billingGroupArn = registry.billingGroupArn(billingGroupName)
      return { billingGroupName, billingGroupArn, billingGroupId }
    }
  },
  DescribeBillingGroup: {
    route: 'GET /billing-groups/{billingGroupName}',
    run({ registry, path }) {
      const group = registry.describeBillingGroup(path.text('billingGroupName'))
      return {
        billingGroupName: group.billingGroupName,
        billingGroupId: group.billingGroupId,
        billingGroupArn: registry.billingGroupArn(group.billingGroupName),
        version: 1,
        billingGroupProperties: { billingGroupDescription: group.description },
        billingGroupMetadata: { creationDate: epochSeconds(group.createdAt) }
      }
    }
  },
  ListBillingGroups: {
    route: 'GET /billing-groups',
    run({ registry, query }) {
      const prefix = query.optionalText('namePrefixFilter') ?? ''
      const groups = registry
        .listBillingGroups()
        .filter(({ billingGroupName }) => billingGroupName.startsWith(prefix))
      const { items, next } = pageByToken(query, groups, ({ billingGroupName }) => billingGroupName)
      const billingGroups = items.map(({ billingGroupName }) => ({
        groupName: billingGroupName,
        groupArn: registry.billingGroupArn(billingGroupName)
      }))
      return { billingGroups, nextToken: next }
    }
  },
  AddThingToBillingGroup: {
    route: 'PUT /billing-groups/addThingToBillingGroup',
    run(call) {
      call.registry.addThingToBillingGroup(...parseMembership(call))
      return {}
    }
  },
  RemoveThingFromBillingGroup: {
    route: 'PUT /billing-groups/removeThingFromBillingGroup',
    run(call) {
      call.registry.removeThingFromBillingGroup(...parseMembership(call))
      return {}
    }
  }
} satisfies Readonly<Record<string, Operation>>

function describeType({ thingTypeArn }: Call['registry'], type: ThingTypeRecord): object {
  const { thingTypeName, description, searchableAttributes, createdAt } = type
  return {
    thingTypeName,
    thingTypeArn: thingTypeArn(thingTypeName),
    thingTypeProperties: { thingTypeDescription: description, searchableAttributes },
    thingTypeMetadata: { deprecated: false, creationDate: epochSeconds(createdAt) }
  }
}

function parseMembership({ registry, body }: Call): [string, string] {
  return [nameOf(body, 'billingGroup', registry.billingGroupArn), nameOf(body, 'thing', registry.thingArn)]
}
