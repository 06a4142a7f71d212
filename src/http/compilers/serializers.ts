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
    const compile = make(externalSchemas, options)
    const shared = Object.keys(externalSchemas ?? {}).join()
    return route => {
      const key = `${shared} ${JSON.stringify(route.schema)}`
      const known = made.get(key)
      if (known !== undefined) return known
      const provide = postponed.postpone(() => compile(route))
      const serialize: Serializer = value => provide()(value)
      made.set(key, serialize)
      return serialize
    }
  }
}
