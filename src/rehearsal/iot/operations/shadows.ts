import { describeShadow } from '../registry/shadows/shadow-reply.ts'
import type { ShadowKey } from '../registry/shadows/shadows.ts'
import { shadowTopicOf } from '../reserved-topics/reserved-topic.ts'
import { updateShadow } from '../reserved-topics/shadow-service.ts'
import type { Call, Operation } from './operation.ts'
import { pageByToken } from './page.ts'

const route = '/things/{thingName}/shadow'

/** What back ends do with shadows, through the data plane. */
export const shadowOperations = {
  GetThingShadow: {
    route: `GET ${route}`,
    run: call => describeShadow(call.registry.getShadow(keyOf(call)))
  },
  UpdateThingShadow: { route: `POST ${route}`, run: updateThingShadow },
  DeleteThingShadow: {
    route: `DELETE ${route}`,
    run(call) {
      const { version, timestamp } = call.registry.deleteShadow(keyOf(call))
      return { version, timestamp }
    }
  },
  ListNamedShadowsForThing: {
    route: 'GET /api/things/shadow/ListNamedShadowsForThing/{thingName}',
    run({ registry, path, query }) {
      const names = registry.listNamedShadows(path.text('thingName'))
      const { items, next } = pageByToken(query, names, name => name)
      return { results: items, nextToken: next, timestamp: Math.floor(Date.now() / 1000) }
    }
  }
} satisfies Readonly<Record<string, Operation>>

function updateThingShadow(call: Call): object {
  const { registry, payload, surroundings } = call
  const key = keyOf(call)
  const { answer, messages } = updateShadow(registry, key, payload)
  const topic = shadowTopicOf(key, 'update')
  for (const [below, message] of messages) surroundings.publish?.(topic + below, message)
  return answer
}

function keyOf({ path, query }: Call): ShadowKey {
  return { thingName: path.text('thingName'), shadowName: query.optionalText('name') ?? null }
}
