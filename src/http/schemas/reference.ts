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
