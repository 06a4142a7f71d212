import { type SerializerFactory, SerializerSelector } from '@fastify/fast-json-stringify-compiler'

/**
 * Makes the serialisers of answers, one for equal schemas: most of them are the same problem document, and to make a
 * serialiser for each route and status takes half of the time in which the server starts.
 */
export function createSerializerFactory(): SerializerFactory {
  const make = SerializerSelector()
  const made = new Map<string, ReturnType<ReturnType<SerializerFactory>>>()
  return (externalSchemas, options) => {
    const compile = make(externalSchemas, options)
    const shared = Object.keys(externalSchemas ?? {}).join()
    return route => {
      const key = `${shared} ${JSON.stringify(route.schema)}`
      const serializer = made.get(key) ?? compile(route)
      made.set(key, serializer)
      return serializer
    }
  }
}
