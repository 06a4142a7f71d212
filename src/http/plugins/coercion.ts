import type { FastifyRequest } from 'fastify'

type Hook = (request: FastifyRequest, reply: unknown, done: () => void) => void

/**
 * A preValidation hook that makes numbers of the named parameters where they are plain decimal digits. Path and
 * query carry only text; whatever else stands there is left for the schema to refuse.
 */
export function coerceIntegers(part: 'params' | 'query', names: readonly string[]): Hook {
  return (request, _reply, done) => {
    makeIntegers(request[part] as Record<string, unknown>, names)
    done()
  }
}

function makeIntegers(values: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) {
    const value = values[name]
    if (typeof value === 'string' && /^(?:0|[1-9]\d{0,8})$/.test(value)) values[name] = Number(value)
  }
}

/** A preValidation hook that makes a list of a query parameter that stands there once. */
export function coerceList(name: string): Hook {
  return (request, _reply, done) => {
    makeList(request.query as Record<string, unknown>, name)
    done()
  }
}

function makeList(values: Record<string, unknown>, name: string): void {
  if (typeof values[name] === 'string') values[name] = [values[name]]
}

interface QueryMembers {
  readonly integers: readonly string[]
  readonly lists: readonly string[]
}

/** As `coerceIntegers` and `coerceList`, for a member of the body that holds what a query does, also as text. */
export function coerceMember(member: string, { integers, lists }: QueryMembers): Hook {
  return ({ body }, _reply, done) => {
    const values = (body as Readonly<Record<string, unknown>> | null | undefined)?.[member]
    if (typeof values === 'object' && values !== null) {
      makeIntegers(values as Record<string, unknown>, integers)
      for (const name of lists) makeList(values as Record<string, unknown>, name)
    }
    done()
  }
}
