import type { FastifyRequest } from 'fastify'
import { hiding } from '../../../errors/mintline-error.ts'
import { lotNotFound } from '../../../factory/lots/lots.ts'
import { principalOf } from '../../plugins/access.ts'
import type { HttpServices } from '../../services.ts'

/** Whose lots are whose, among those who are held to some lines of production. */
export function createLotOwnership({ lots, stations }: Pick<HttpServices, 'lots' | 'stations'>) {
  /** Of who is held to some lines, a lot is their own where it is for stations of these lines alone. */
  const isOfLines = async (names: readonly string[], lines: readonly string[] | undefined) => {
    if (lines === undefined) return true
    const found = await Promise.all(names.map(name => stations.find(name)))
    return names.length > 0 && found.every(({ line }) => line !== null && lines.includes(line))
  }

  /** @throws MintlineError `lot_not_found` also for those of other lines. */
  const assertOwn = async (request: FastifyRequest<{ Params: { id: string } }>): Promise<string> => {
    const { id } = request.params
    const { lines } = principalOf(request)
    if (lines !== undefined && !(await isOfLines((await lots.find(id)).stations, lines)))
      throw hiding(lotNotFound(id), 'lines_forbidden')
    return id
  }

  return { isOfLines, assertOwn }
}
