import type { Authorities } from '../../authorities/authority.ts'
import { hasCrls } from './scope.ts'

/** Of what is known of generations, that of those which have CRLs at this moment, by their names. */
export function ofWatched<Facts extends { readonly authorityId: string }>(
  authorities: Pick<Authorities, 'list'>,
  facts: readonly Facts[],
  now: Date
): readonly (Facts & { readonly authority: string })[] {
  const watched = authorities.list().filter(each => hasCrls(each, now))
  const names = new Map(watched.map(({ id, name }) => [id, name]))
  return facts.flatMap(each => {
    const authority = names.get(each.authorityId)
    return authority === undefined ? [] : [{ ...each, authority }]
  })
}

export function secondsBetween(from: Date | null, to: Date | null): number | undefined {
  return from === null || to === null ? undefined : (to.getTime() - from.getTime()) / 1000
}
