import type { FastifyRequest } from 'fastify'
import { hiding, isMintlineError } from '../../../errors/mintline-error.ts'
import { lotNotOfLines } from '../../../factory/lots/lots.ts'
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

  /** @throws MintlineError `lot_not_found` also for those of other lines, in the same words. */
  const assertShown = async (id: string, lines: readonly string[]): Promise<void> => {
    const lot = await lots.find(id).catch((error: unknown) => {
      throw isMintlineError(error, 'lot_not_found') ? lotNotOfLines(id, lines) : error
    })
    if (!(await isOfLines(lot.stations, lines))) throw hiding(lotNotOfLines(id, lines), 'lines_forbidden')
  }

  /** As `assertShown`, of the lot that is asked for. */
  const assertOwn = async (request: FastifyRequest<{ Params: { id: string } }>): Promise<string> => {
    const { id } = request.params
    const { lines } = principalOf(request)
    if (lines !== undefined) await assertShown(id, lines)
    return id
  }

  return { isOfLines, assertShown, assertOwn }
}
