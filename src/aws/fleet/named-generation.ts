import type { AuthorityStore } from '../../authorities/authority-store.ts'
import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * Who acts on many is not to take a wrong name for one of which there is nothing.
 *
 * @throws MintlineError `authority_not_found`, which names the generations where it is the name of a line.
 */
export async function assertNamedGeneration(
  authorities: Pick<AuthorityStore, 'generations'>,
  name: string
): Promise<void> {
  const generations = await authorities.generations({ lineOrName: name })
  if (generations.some(each => each.name === name)) return
  const names = generations.map(each => each.name).join(', ')
  throw new MintlineError(
    'authority_not_found',
    names === ''
      ? `There is no generation ${name}. GET /v1/authorities lists those that there are.`
      : `${name} is an authority line. Name one of its generations: ${names}.`
  )
}
