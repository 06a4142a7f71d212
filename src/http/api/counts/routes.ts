import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Static } from 'typebox'
import { ofOwn } from '../../../access/principal.ts'
import type { CountGroup, CountQuery, Counts } from '../../../records/counts/count.ts'
import type { Span } from '../../../sources/site/shifts.ts'
import { addDays, type Zone } from '../../../sources/site/zone.ts'
import { listContent } from '../../listing/content.ts'
import { detachedHeaders, tellDetached } from '../../listing/detached.ts'
import { chooseRowType, sendRows } from '../../listing/listing.ts'
import { parseZone } from '../../listing/times.ts'
import { streamWhole } from '../../listing/whole.ts'
import { takeWholeNames } from '../../listing/whole-names.ts'
import { principalOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { problemResponses } from '../../schemas/problem.ts'
import type { HttpServices } from '../../services.ts'
import { isReworked } from '../records/search-parameters.ts'
import { parseBoundaries } from './boundary.ts'
import { parseKeys } from './query.ts'
import { IssuanceSummary, type IssuanceSummaryView, SummaryQuerystring } from './schemas.ts'

const summarizeIssuances = {
  operationId: 'summarizeIssuances',
  tags: ['Issuances'],
  summary: 'Count the records',
  description:
    'How many records there are of each value of what `by` names. All conditions hold together. Records count by when they were made, and by what they are now; `countedUpTo` says how far all of them are counted. With `Accept: text/csv` or `application/x-ndjson` the groups come as rows; what would be a formula in a spreadsheet has an apostrophe in front. A station counts its own.',
  querystring: SummaryQuerystring,
  response: {
    200: {
      description: 'The counts, or the groups as rows.',
      headers: detachedHeaders,
      content: listContent(IssuanceSummary)
    },
    ...problemResponses({
      422: 'There would be more than 10,000 groups, or it takes longer than two seconds: `detail` says what to add.'
    })
  }
}

/** How many records there are. */
export const countRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { counting, records, site } }
) => {
  app.setSerializerCompiler(() => value => JSON.stringify(value))

  app.get(
    '/v1/issuances/summary',
    {
      config: { access: ['station', 'auditor', 'operator', 'admin'], heedsLines: true, heedsStation: true },
      preValidation: coerceIntegers('query', ['profileVersion']),
      schema: summarizeIssuances
    },
    async (request, reply) => {
      const query = buildQuery(request.query, site.zone)
      const { accept } = request.headers
      const type = chooseRowType(accept)
      const own = ofOwn(principalOf(request), query)
      const counts = own === undefined ? nothing : await counting.count(own)
      void reply.header('vary', 'Accept')
      if (own !== undefined) tellDetached(reply, await records.listDetached(own))
      if (type === undefined) return viewSummary(query, counts)
      const groups = { rows: counts.groups.map(viewGroup), columns: [...query.by, 'count'] }
      return sendRows(reply, type, { name: 'summary', rows: streamWhole(type, groups, accept) })
    }
  )
}

const nothing: Counts = { groups: [], countedUpTo: undefined }

function buildQuery(asked: Static<typeof SummaryQuerystring>, siteZone: Zone): CountQuery {
  const { by, zone: zoneName, from, to, expiryMonth, reworked, ...conditions } = asked
  const rework = isReworked(reworked)
  const zone = zoneName === undefined ? siteZone : parseZone(zoneName)
  return {
    ...conditions,
    ...takeWholeNames(conditions),
    ...(rework !== undefined && { rework }),
    by: parseKeys(by),
    zone,
    ...(expiryMonth !== undefined && { expires: spanOfMonth(expiryMonth, zone) }),
    ...parseBoundaries({ from, to }, zone)
  }
}

/** @param month `YYYY-MM`. */
function spanOfMonth(month: string, zone: Zone): Span {
  const first = `${month}-01`
  const next = `${addDays(first, 31).slice(0, 7)}-01`
  return {
    from: zone.instantOf({ date: first, minutes: 0 }),
    to: zone.instantOf({ date: next, minutes: 0 })
  }
}

function viewSummary(
  { by, zone, from, to }: CountQuery,
  { groups, countedUpTo }: Counts
): IssuanceSummaryView {
  return {
    by: [...by],
    zone: zone.name,
    ...(from && { from: from.toISOString() }),
    ...(to && { to: to.toISOString() }),
    ...(countedUpTo && { countedUpTo: countedUpTo.toISOString() }),
    total: groups.reduce((sum, { count }) => sum + count, 0),
    groups: groups.map(viewGroup)
  }
}

function viewGroup({ values, count }: CountGroup) {
  return { ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)), count }
}
