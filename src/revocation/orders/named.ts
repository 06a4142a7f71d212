import type { Violation } from '../../errors/mintline-error.ts'
import type { ChosenSelection } from './selection.ts'

export interface NamedStore {
  /** Whether there is one of that name, or, of a line, whether a station stands on it. */
  isThere(way: NamedWay, name: string): Promise<boolean>
  /** Names of the generations of an authority line, oldest first. */
  listGenerations(line: string): Promise<readonly string[]>
}

const namedWays = ['lot', 'station', 'line', 'authority'] as const
export type NamedWay = (typeof namedWays)[number]

/**
 * What is amiss with a selection by which nothing was found: it may name what there is not. What has records is there.
 *
 * @returns undefined where it is there, and has none of the certificates.
 */
export async function findUnnamed(
  store: NamedStore,
  selection: ChosenSelection
): Promise<Violation | undefined> {
  const names: Partial<Record<NamedWay, string>> = 'ids' in selection ? {} : selection
  const way = namedWays.find(each => names[each] !== undefined)
  if (way === undefined) return undefined
  const name = names[way]!
  if (await store.isThere(way, name)) return undefined
  const message = way === 'authority' ? await generationAdvice(store, name) : lists[way]
  return { pointer: `/select/${way}`, expected: expected[way], found: name, message }
}

const expected = {
  lot: 'the id of a lot',
  station: 'the name of a station',
  line: 'a line on which a station stands',
  authority: 'the name of a generation'
} as const

const lists = {
  lot: 'GET /v1/lots lists those that there are.',
  station: 'GET /v1/stations lists those that there are.',
  line: 'GET /v1/stations has the line of each station.'
} as const

async function generationAdvice(store: NamedStore, name: string): Promise<string> {
  const generations = await store.listGenerations(name)
  return generations.length === 0
    ? 'GET /v1/authorities lists those that there are.'
    : `${name} is an authority line. Name one of its generations: ${generations.join(', ')}.`
}
