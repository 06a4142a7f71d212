import { MintlineError } from '../../errors/mintline-error.ts'

/** What is asked for by its whole name. */
const taken = ['station', 'line', 'site', 'lot', 'authority'] as const
type Name = (typeof taken)[number]
type Asked = Readonly<Partial<Record<Name, string | undefined>>>

/** Whether the value is how others begin; `\*` at its end is the character `*` itself. */
export const isBeginning = (text: string): boolean => text.endsWith('*') && !text.endsWith('\\*')

/** The value that is meant where it is no beginning. */
export const wholeOf = (text: string): string => (text.endsWith('\\*') ? `${text.slice(0, -2)}*` : text)

/**
 * The names that are meant.
 *
 * @throws MintlineError `request_invalid` for one that ends in `*`: an answer without any would be taken for one about all
 *   that begin so.
 */
export function takeWholeNames(asked: Asked): Readonly<Partial<Record<Name, string>>> {
  const given = taken.flatMap(name => {
    const value = asked[name]
    return value === undefined ? [] : [{ name, value }]
  })
  const violations = given
    .filter(({ value }) => isBeginning(value))
    .map(({ name, value }) => ({
      pointer: `/query/${name}`,
      expected: 'the whole name',
      found: value,
      message: `A ${name} is searched for by its whole name alone. Write it out; where the name itself ends in *, write \\*.`
    }))
  if (violations.length === 0)
    return Object.fromEntries(given.map(({ name, value }) => [name, wholeOf(value)]))
  throw new MintlineError('request_invalid', 'A name is not taken by its beginning.', { violations })
}
