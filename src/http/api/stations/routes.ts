import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { maySeeLine, type Principal } from '../../../access/principal.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { actOf, principalOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent, madeOrSame } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { findOwn, notFound, readable, tags, writable } from './ownership.ts'
import {
  defaultStationLimit,
  StationBody,
  StationChangeBody,
  StationList,
  StationListQuerystring,
  StationParams,
  StationReportResource,
  StationResource,
  StationResumeBody
} from './schemas.ts'
import { toChange, toNewStation, viewReport, viewStation } from './view.ts'

const createStation = {
  operationId: 'createStation',
  tags,
  summary: 'Make a station',
  description: 'Its tokens are made with `POST /v1/tokens`. The same again changes nothing.',
  body: StationBody,
  response: {
    ...madeOrSame(StationResource, {
      made: 'The station.',
      same: 'It is there already, and like this.',
      location: 'The station.'
    }),
    ...problemResponses({
      409: 'There is one of this name, with other settings.',
      422: "A profile that it is to use is not there, or a client certificate is another station's."
    })
  }
}

const listStations = {
  operationId: 'listStations',
  tags,
  summary: 'List all stations',
  description: 'By name; `nextCursor` leads to more.',
  querystring: StationListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(StationList) } }
}

const getStation = {
  operationId: 'getStation',
  tags,
  summary: 'Read a station, and what it has done today',
  params: StationParams,
  response: {
    200: { description: 'The station.', content: jsonContent(StationReportResource) },
    ...notFound
  }
}

const resumeStation = {
  operationId: 'resumeStation',
  tags,
  summary: 'Let a station go on that is paused',
  description:
    'After what made its keys was found and repaired. What it was paused for counts no more. Of a station that is not paused nothing changes.',
  params: StationParams,
  body: StationResumeBody,
  response: {
    200: { description: 'The station as it is now.', content: jsonContent(StationReportResource) },
    ...notFound
  }
}

const changeStation = {
  operationId: 'changeStation',
  tags,
  summary: 'Change a station',
  description: 'What is left out stays as it is. It takes effect with the next request of the station.',
  params: StationParams,
  body: StationChangeBody,
  response: {
    200: { description: 'The station as it is now.', content: jsonContent(StationReportResource) },
    ...problemResponses({
      404: 'There is no such station.',
      422: "A profile that it is to use is not there, or a client certificate is another station's."
    })
  }
}

export const stationRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { stations } }
) => {
  app.post('/v1/stations', { ...writable, schema: createStation }, async (request, reply) => {
    assertOfLine(principalOf(request), request.body.line ?? null)
    const { station, isNew } = await stations.create(toNewStation(request.body), actOf(request))
    return reply
      .code(isNew ? 201 : 200)
      .header('location', `/v1/stations/${station.name}`)
      .send(viewStation(station))
  })

  app.get(
    '/v1/stations',
    { ...readable, preValidation: coerceIntegers('query', ['limit']), schema: listStations },
    async request => {
      const { limit = defaultStationLimit, cursor } = request.query
      const { lines } = principalOf(request)
      return viewPage(await stations.list({ limit, cursor, lines }), viewStation)
    }
  )

  app.get('/v1/stations/:name', { ...readable, schema: getStation }, async request =>
    viewReport(await findOwn(stations, request, request.params.name))
  )

  app.patch('/v1/stations/:name', { ...writable, schema: changeStation }, async request => {
    const { reason, ...change } = request.body
    await findOwn(stations, request, request.params.name)
    if (change.line !== undefined) assertOfLine(principalOf(request), change.line)
    return viewReport(await stations.change(request.params.name, toChange(change), actOf(request, reason)))
  })

  app.post('/v1/stations/:name/resume', { ...writable, schema: resumeStation }, async request => {
    const { name } = await findOwn(stations, request, request.params.name)
    return viewReport(await stations.resume(name, actOf(request, request.body.reason)))
  })
}

/** @throws MintlineError `lines_forbidden` where a station would stand on another line than its maker may see. */
function assertOfLine(principal: Principal, line: string | null): void {
  if (maySeeLine(principal, line)) return
  throw new MintlineError(
    'lines_forbidden',
    `This token is for the lines ${principal.lines!.join(', ')}; name one of them as "line".`
  )
}
