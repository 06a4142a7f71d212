import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Principal } from '../../../access/principal.ts'
import { actorOf } from '../../../audit/audit-event.ts'
import { hiding } from '../../../errors/mintline-error.ts'
import { stationNotFound } from '../../../factory/stations/stations.ts'
import type { Report, ReportSubject } from '../../../records/reports/report.ts'
import { chooseMediaType } from '../../accept.ts'
import { detachedHeaders, tellDetached } from '../../listing/detached.ts'
import { sendRows } from '../../listing/listing.ts'
import { renderReportPage, reportSecurityPolicy } from '../../pages/report-page.ts'
import { principalOf } from '../../plugins/access.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { parseBoundaries } from '../counts/boundary.ts'
import { createLotOwnership } from '../lots/ownership.ts'
import {
  DayQuerystring,
  LotQuerystring,
  RecordReport,
  ShiftQuerystring,
  StationQuerystring
} from './schemas.ts'
import { formatReportCsv, viewReport } from './view.ts'

const forms =
  'In JSON; with `Accept: text/csv` a row for each station, and with `text/html` a page to print. Times are in UTC, and in the page by the clocks of the site besides. Requests count by when they were made; `countedUpTo` says how far they are counted.'

const text = (description: string) => ({ schema: Type.Unsafe<string>({ type: 'string', description }) })

const answers = {
  200: {
    description: 'The report.',
    headers: detachedHeaders,
    content: {
      ...jsonContent(RecordReport),
      'text/csv': text('A row for each station.'),
      'text/html': text('A page to print: it runs and loads nothing.')
    }
  },
  ...problemResponses({ 422: 'It takes longer than two seconds.' })
}

const tags = ['Reports']

const reportDay = {
  operationId: 'reportDay',
  tags,
  summary: 'Report on a day',
  description: `Of the site's calendar: 23 or 25 hours where clocks are changed. ${forms}`,
  querystring: DayQuerystring,
  response: answers
}

const reportShift = {
  operationId: 'reportShift',
  tags,
  summary: 'Report on a shift',
  description: `From its beginning until the next one begins, also past midnight. ${forms}`,
  querystring: ShiftQuerystring,
  response: { ...answers, ...problemResponses({ 404: 'The settings name no such shift.' }) }
}

const reportLot = {
  operationId: 'reportLot',
  tags,
  summary: 'Report on a lot',
  description: `All requests that named it. ${forms}`,
  querystring: LotQuerystring,
  response: { ...answers, ...problemResponses({ 404: 'There is no such lot.' }) }
}

const reportStation = {
  operationId: 'reportStation',
  tags,
  summary: 'Report on a station',
  description: `A station has its own. ${forms}`,
  querystring: StationQuerystring,
  response: { ...answers, ...problemResponses({ 404: 'There is no such station.' }) }
}

const config = { access: ['auditor', 'operator', 'admin'], heedsLines: true } as const

/** What came of the requests of a shift, a day, a lot or a station, to be read, kept and printed. */
export const reportRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services }
) => {
  // The view has chosen the members already.
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  const { assertShown } = createLotOwnership(services)
  const answer = (request: FastifyRequest, reply: FastifyReply, subject: ReportSubject) =>
    answerReport({ services, request, reply }, subject)

  app.get('/v1/reports/day', { config, schema: reportDay }, async (request, reply) =>
    answer(request, reply, { kind: 'day', date: request.query.date })
  )

  app.get('/v1/reports/shift', { config, schema: reportShift }, async (request, reply) =>
    answer(request, reply, { kind: 'shift', ...request.query })
  )

  app.get('/v1/reports/lot', { config, schema: reportLot }, async (request, reply) => {
    const { lot } = request.query
    const { lines } = principalOf(request)
    if (lines === undefined) await services.lots.find(lot)
    else await assertShown(lot, lines)
    return answer(request, reply, { kind: 'lot', lot })
  })

  app.get(
    '/v1/reports/station',
    {
      config: { ...config, access: ['station', ...config.access], heedsStation: true },
      schema: reportStation
    },
    async (request, reply) => {
      const { station, ...asked } = request.query
      await assertStation(services, principalOf(request), station)
      return answer(request, reply, {
        kind: 'station',
        station,
        ...parseBoundaries(asked, services.site.zone)
      })
    }
  )
}

/**
 * A station has no report but its own.
 *
 * @throws MintlineError `station_not_found`.
 */
async function assertStation(
  { stations }: Pick<HttpServices, 'stations'>,
  { role, name, lines }: Principal,
  station: string
): Promise<void> {
  if (role === 'station' && station !== name) throw stationNotFound(station)
  if (role !== 'station' && lines === undefined) await stations.find(station)
}

/**
 * Who is held to some lines has what there is of these, also of a station that stands elsewhere by now. Of one that has nothing
 * there and stands on none of them they are not told whether there is any of the name.
 *
 * @throws MintlineError `station_not_found`.
 */
async function assertOfLines(
  { stations }: Pick<HttpServices, 'stations'>,
  lines: readonly string[],
  { subject, stations: reported }: Report
): Promise<void> {
  if (subject.kind !== 'station' || reported.length > 0) return
  const { line } = await stations.find(subject.station)
  if (line === null || !lines.includes(line))
    throw hiding(stationNotFound(subject.station), 'lines_forbidden')
}

interface Asked {
  readonly services: Pick<HttpServices, 'reports' | 'records' | 'site' | 'stations'>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function answerReport({ services, request, reply }: Asked, subject: ReportSubject) {
  void reply.header('vary', 'Accept')
  const type = chooseMediaType(request.headers.accept, ['application/json', 'text/csv', 'text/html'])
  const principal = principalOf(request)
  const report = await services.reports.make({ subject, lines: principal.lines })
  if (principal.lines !== undefined) await assertOfLines(services, principal.lines, report)
  const detached = await services.records.listDetached(report.span ?? {})
  tellDetached(reply, detached)
  const view = viewReport(report, detached)
  if (type === 'application/json') return view
  if (type === 'text/csv')
    return sendRows(reply.serializer(asItIs), type, { name: nameOf(subject), rows: formatReportCsv(view) })
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', reportSecurityPolicy)
    .serializer(asItIs)
    .send(
      renderReportPage(view, { actor: actorOf(principal), lines: principal.lines, zone: services.site.zone })
    )
}

/** Of its file. */
function nameOf(subject: ReportSubject): string {
  const { kind } = subject
  if (kind === 'day') return `report-${subject.date}`
  if (kind === 'shift') return `report-${subject.date}-${subject.shift}`
  return `report-${kind}-${kind === 'lot' ? subject.lot : subject.station}`
}

const asItIs = (text: unknown) => text as string
