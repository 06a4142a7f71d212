import type { FastifyRequest } from 'fastify'
import { maySeeLine } from '../../../access/principal.ts'
import { hiding } from '../../../errors/mintline-error.ts'
import type { StationReport } from '../../../factory/stations/station.ts'
import { stationNotFound } from '../../../factory/stations/stations.ts'
import { principalOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'

export const tags = ['Stations']
export const readable = {
  config: { access: ['display', 'auditor', 'operator', 'admin'], heedsLines: true }
} as const
export const writable = { config: { access: ['operator', 'admin'], heedsLines: true } } as const
export const notFound = problemResponses({ 404: 'There is no such station.' })

/** A station of a line that may be seen. @throws MintlineError `station_not_found`. */
export async function findOwn(
  stations: HttpServices['stations'],
  request: FastifyRequest,
  name: string
): Promise<StationReport> {
  const station = await stations.find(name)
  if (maySeeLine(principalOf(request), station.line)) return station
  throw hiding(stationNotFound(name), 'lines_forbidden')
}
