import Type, { type TObject, type TSchema } from 'typebox'
import { MintlineError } from '../../errors/mintline-error.ts'
import { strict } from '../schemas/reference.ts'

/** The names of all members that items have, each once, in their order. */
export function membersOf(kinds: readonly TObject[]): readonly string[] {
  return [...new Set(kinds.flatMap(({ properties }) => Object.keys(properties)))]
}

/** What is answered of an item where `fields` was given: any of the members of any kind. */
export function selectionOf(kinds: readonly TObject[], replaced: Readonly<Record<string, TSchema>>) {
  const members = Object.assign(
    {},
    ...kinds.map(({ properties }) => properties).toReversed(),
    replaced
  ) as Readonly<Record<string, TSchema>>
  const optional = Object.entries(members).map(([name, schema]) => [name, Type.Optional(schema)] as const)
  return (options: { readonly $id: string; readonly description: string }) =>
    Type.Object(Object.fromEntries(optional), { ...options, ...strict })
}

/** @param told what comes without it. */
export function fieldsParameter(known: readonly string[], told: string) {
  return Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_000,
      description: `Names of members, with commas between: these alone are answered, where they are there, and always \`id\`. ${told} Known: ${known.map(name => `\`${name}\``).join(', ')}.`
    })
  )
}

/**
 * The members that `fields` names, `id` first.
 *
 * @returns undefined where it was not given.
 * @throws MintlineError `request_invalid` for a name that is not among the known.
 */
export function chooseFields(
  asked: string | undefined,
  known: readonly string[]
): readonly string[] | undefined {
  if (asked === undefined) return undefined
  const names = asked.split(',').map(name => name.trim())
  const unknown = [...new Set(names.filter(name => !known.includes(name)))]
  if (unknown.length === 0) return [...new Set(['id', ...names])]
  throw new MintlineError('request_invalid', 'fields names what there is not.', {
    violations: unknown.map(name => ({
      pointer: '/query/fields',
      expected: known.join(' | '),
      found: name.slice(0, 64),
      message: 'Name members of the record, with commas between.'
    }))
  })
}

/** Of a view these members, in the order of `fields`; one that is not there is left out. */
export function pickFields<View extends object>(view: View, fields: readonly string[]): Partial<View> {
  const picked = fields
    .filter(name => Object.hasOwn(view, name))
    .map(name => [name, view[name as keyof View]])
  return Object.fromEntries(picked) as Partial<View>
}

/** Of a view all members but these. */
export function omitFields<View extends object>(view: View, omitted: ReadonlySet<string>): Partial<View> {
  const left: Partial<View> = {}
  for (const name in view) if (!omitted.has(name)) left[name] = view[name]
  return left
}
