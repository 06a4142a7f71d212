import type { ThingPrincipal } from '../../records.ts'
import type { Call, Operation } from '../operation.ts'
import { pageByToken } from '../page.ts'

const principalHeader = 'x-amzn-principal'

export const thingPrincipalOperations = {
  AttachThingPrincipal: {
    route: 'PUT /things/{thingName}/principals',
    run({ registry, path, query, headers }) {
      registry.attachThingPrincipal(path.text('thingName'), headers.text(principalHeader), parseType(query))
      return {}
    }
  },
  DetachThingPrincipal: {
    route: 'DELETE /things/{thingName}/principals',
    run({ registry, path, headers }) {
      registry.detachThingPrincipal(path.text('thingName'), headers.text(principalHeader))
      return {}
    }
  },
  ListThingPrincipals: {
    route: 'GET /things/{thingName}/principals',
    run(call) {
      const { items, next } = pageOfPrincipals(call)
      return { principals: items.map(({ principal }) => principal), nextToken: next }
    }
  },
  ListThingPrincipalsV2: {
    route: 'GET /things/{thingName}/principals-v2',
    run(call) {
      const { items, next } = pageOfPrincipals(call)
      return { thingPrincipalObjects: items, nextToken: next }
    }
  },
  ListPrincipalThings: {
    route: 'GET /principals/things',
    run(call) {
      const { items, next } = pageOfThings(call)
      return { things: items.map(({ thingName }) => thingName), nextToken: next }
    }
  },
  ListPrincipalThingsV2: {
    route: 'GET /principals/things-v2',
    run(call) {
      const { items, next } = pageOfThings(call)
      return { principalThingObjects: items, nextToken: next }
    }
  }
} satisfies Readonly<Record<string, Operation>>

function pageOfPrincipals({ registry, path, query }: Call) {
  const type = parseType(query)
  const { principals } = registry.describeThing(path.text('thingName'))
  const chosen = principals.filter(attached => isOfType(attached, type))
  return pageByToken(query, chosen, ({ principal }) => principal)
}

function pageOfThings({ registry, query, headers }: Call) {
  const type = parseType(query)
  const things = registry.listPrincipalThings(headers.text(principalHeader))
  const chosen = things.filter(attached => isOfType(attached, type))
  return pageByToken(query, chosen, ({ thingName }) => thingName)
}

type ThingPrincipalType = ThingPrincipal['thingPrincipalType']

function parseType(query: Call['query']): ThingPrincipalType | undefined {
  return query.optionalChoice('thingPrincipalType', ['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING'])
}

function isOfType(
  { thingPrincipalType }: { readonly thingPrincipalType: ThingPrincipalType },
  type: ThingPrincipalType | undefined
): boolean {
  return type === undefined || thingPrincipalType === type
}
