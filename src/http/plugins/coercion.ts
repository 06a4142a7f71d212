import type { FastifyRequest } from 'fastify'

type Hook = (request: FastifyRequest, reply: unknown, done: () => void) => void

/**
 * A preValidation hook that makes numbers of the named parameters where they are plain decimal digits. Path and
 * query carry only text; whatever else stands there is left for the schema to refuse.
 */
export function coerceIntegers(part: 'params' | 'query', names: readonly string[]): Hook {
  return (request, _reply, done) => {
    const values = request[part] as Record<string, unknown>
    for (const name of names) {
      const value = values[name]
      if (typeof value === 'string' && /^(?:0|[1-9]\d{0,8})$/.test(value)) values[name] = Number(value)
    }
    done()
  }
}

/** A preValidation hook that makes a list of a query parameter that stands there once. */
export function coerceList(name: string): Hook {
  return (request, _reply, done) => {
    const values = request.query as Record<string, unknown>
    if (typeof values[name] === 'string') values[name] = [values[name]]
    done()
  }
}
