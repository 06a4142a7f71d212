import Type, { type Static, type TSchema, type TUnsafe } from 'typebox'

export const strict = { additionalProperties: false } as const

/** Stands for a shared schema by its `$id`, and keeps its static type. */
export function referenceTo<Schema extends TSchema>(schema: Schema): TUnsafe<Static<Schema>> {
  const { $id } = schema as { $id?: string }
  if ($id === undefined) throw new TypeError('Only a schema with an $id can be referred to')
  return Type.Unsafe<Static<Schema>>({ $ref: `${$id}#` })
}

/** A JSON answer of a shared schema, as the `content` of a response. */
export function jsonContent<Schema extends TSchema>(schema: Schema) {
  return { 'application/json': { schema: referenceTo(schema) } }
}

interface Made {
  /** Said of what was made by the request. */
  readonly made: string
  /** Said where it was there already, and like this. */
  readonly same: string
  /** What `Location` leads to. */
  readonly location: string
}

/** The answers of a route that makes something, or finds it made: 201 with its place, or 200. */
export function madeOrSame<Schema extends TSchema>(schema: Schema, { made, same, location }: Made) {
  return {
    200: { description: same, content: jsonContent(schema) },
    201: {
      description: made,
      headers: { Location: { type: 'string', description: location } },
      content: jsonContent(schema)
    }
  }
}

/** `format: uuid` of the validator takes `urn:uuid:` as well, which the database does not. */
export function uuid(
  options: {
    readonly deprecated?: boolean
    readonly description?: string
    readonly examples?: readonly string[]
  } = {}
) {
  return Type.String({
    pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
    ...options
  })
}
