import { IotRefusal } from '../../iot-refusal.ts'
import type { ThingRecord } from '../../records.ts'
import { parseTemplateBody } from '../certificates/registration-config.ts'
import type { Call, Operation } from '../operation.ts'
import { pageByToken } from '../page.ts'

export const thingOperations = {
  CreateThing: {
    route: 'POST /things/{thingName}',
    run({ registry, path, body }) {
      const { thingName, thingId } = registry.createThing({
        thingName: path.text('thingName'),
        thingTypeName: body.optionalText('thingTypeName'),
        attributes: body.optionalObject('attributePayload')?.optionalTextMap('attributes'),
        billingGroupName: body.optionalText('billingGroupName')
      })
      return { thingName, thingArn: registry.thingArn(thingName), thingId }
    }
  },
  UpdateThing: { route: 'PATCH /things/{thingName}', run: updateThing },
  DescribeThing: {
    route: 'GET /things/{thingName}',
    run({ registry, path }) {
      const thing = registry.describeThing(path.text('thingName'))
      return {
        ...summarizeThing(registry, thing),
        defaultClientId: thing.thingName,
        thingId: thing.thingId,
        billingGroupName: thing.billingGroupName ?? undefined
      }
    }
  },
  DeleteThing: {
    route: 'DELETE /things/{thingName}',
    run({ registry, path, query }) {
      const expectedVersion = query.optionalInteger('expectedVersion', 0, Number.MAX_SAFE_INTEGER)
      registry.deleteThing(path.text('thingName'), expectedVersion)
      return {}
    }
  },
  ListThings: { route: 'GET /things', run: listThings },
  RegisterThing: {
    route: 'POST /things',
    run({ registry, body, surroundings }) {
      const parameters = new Map(Object.entries(body.optionalTextMap('parameters') ?? {}))
      return surroundings.registerThing(registry, parseTemplateBody(body), parameters)
    }
  }
} satisfies Readonly<Record<string, Operation>>

function updateThing({ registry, path, body }: Call): object {
  const isRemoval = body.flag('removeThingType')
  const thingTypeName = body.optionalText('thingTypeName')
  if (isRemoval && thingTypeName !== undefined)
    throw new IotRefusal('InvalidRequestException', 'The thing type is either given or removed.')
  const payload = body.optionalObject('attributePayload')
  registry.updateThing(path.text('thingName'), {
    thingTypeName: isRemoval ? null : thingTypeName,
    attributes: payload?.optionalTextMap('attributes'),
    mergeAttributes: payload?.flag('merge'),
    expectedVersion: body.optionalInteger('expectedVersion', 0, Number.MAX_SAFE_INTEGER)
  })
  return {}
}

function listThings({ registry, query }: Call): object {
  const attributeName = query.optionalText('attributeName')
  const attributeValue = query.optionalText('attributeValue')
  const thingTypeName = query.optionalText('thingTypeName')
  const isPrefix = query.flag('usePrefixAttributeValue')
  const hasAttribute = ({ attributes }: ThingRecord): boolean => {
    if (attributeName === undefined) return true
    const value = attributes[attributeName]
    if (value === undefined || attributeValue === undefined) return value !== undefined
    return isPrefix ? value.startsWith(attributeValue) : value === attributeValue
  }
  const things = registry
    .listThings()
    .filter(thing => thingTypeName === undefined || thing.thingTypeName === thingTypeName)
    .filter(hasAttribute)
  const { items, next } = pageByToken(query, things, ({ thingName }) => thingName)
  return { things: items.map(thing => summarizeThing(registry, thing)), nextToken: next }
}

function summarizeThing({ thingArn }: Call['registry'], thing: ThingRecord): object {
  const { thingName, thingTypeName, attributes, version } = thing
  return {
    thingName,
    thingTypeName: thingTypeName ?? undefined,
    thingArn: thingArn(thingName),
    attributes,
    version
  }
}
