import { type SerializerFactory, SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { Postponed } from './postponed.ts'

type Serializer = ReturnType<ReturnType<SerializerFactory>>

/**
 * Makes the serialisers of answers, one for equal schemas: most of them are the same problem document, and to make a
 * serialiser for each route and status would take half of the time in which the server starts. They are made later.
 */
export function createSerializerFactory(postponed: Postponed): SerializerFactory {
  const make = SerializerSelector()
  const made = new Map<string, Serializer>()
  return (externalSchemas, options) => {
    const all = (externalSchemas ?? {}) as Schemas
    const shared = Object.keys(all).join()
    return route => {
      const key = `${shared} ${JSON.stringify(route.schema)}`
      const known = made.get(key)
      if (known !== undefined) return known
      const provide = postponed.postpone(() => make(findNeeded(route.schema, all), options)(route))
      const serialize: Serializer = value => provide()(value)
      made.set(key, serialize)
      return serialize
    }
  }
}

type Schemas = Readonly<Record<string, unknown>>

/** Of the shared schemas, those that a schema refers to, by others too: each serialiser goes through all that it is given. */
function findNeeded(schema: unknown, all: Schemas): Schemas {
  const needed: Record<string, unknown> = {}
  const waiting = [schema]
  for (const each of waiting) {
    for (const [, id = ''] of JSON.stringify(each).matchAll(/"\$ref":"([^"#]+)#?/g)) {
      if (id in needed || !(id in all)) continue
      needed[id] = all[id]
      waiting.push(all[id])
    }
  }
  return needed
}
