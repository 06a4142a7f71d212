import Type, { type Static, type TSchema, type TUnsafe } from 'typebox'

export const strict = { additionalProperties: false } as const

/** Stands for a shared schema by its `$id`, and keeps its static type. */
export function referenceTo<Schema extends TSchema>(schema: Schema): TUnsafe<Static<Schema>> {
  const { $id } = schema as { $id?: string }
  if ($id === undefined) throw new TypeError('Only a schema with an $id can be referred to')
  return Type.Unsafe<Static<Schema>>({ $ref: `${$id}#` })
}
