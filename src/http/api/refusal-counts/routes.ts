import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { leaveOutNulls, tell } from '../../../records/facts.ts'
import type { RefusalCount } from '../../../records/refusal-counts/refusal-count.ts'
import { listContent, rowsTold } from '../../listing/content.ts'
import { detachedHeaders, tellDetached } from '../../listing/detached.ts'
import { chooseRowType, rowsAtOnce, sendRows, streamRows } from '../../listing/listing.ts'
import { parseInstantIn, parseRange } from '../../listing/times.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import type { HttpServices } from '../../services.ts'
import { defaultRefusalCountLimit, RefusalCountListQuerystring, RefusalCountPage } from './schemas.ts'

const listRefusalCounts = {
  operationId: 'listRefusalCounts',
  tags: ['Issuances'],
  summary: 'List the refusals that were only counted',
  description: `Refusals that have no record of their own: repeats of one that has, those beyond what is recorded of a station, and those that came while the database had no room to spare. All conditions hold together; \`from\` and \`to\` are of the time at which the count was recorded. Newest first; \`nextCursor\` leads to older ones. What was counted in the last ten seconds may be missing. ${rowsTold}`,
  querystring: RefusalCountListQuerystring,
  response: {
    200: {
      description: 'One page, or rows.',
      headers: detachedHeaders,
      content: listContent(RefusalCountPage)
    }
  }
}

/** What was refused and not recorded one by one. */
export const refusalCountRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { records, refusalCounts } }
) => {
  app.get(
    '/v1/refusal-counts',
    {
      config: { access: ['auditor', 'operator', 'admin'] },
      preValidation: coerceIntegers('query', ['limit']),
      schema: listRefusalCounts
    },
    async (request, reply) => {
      const { from, to, zone, limit = defaultRefusalCountLimit, ...query } = request.query
      const range = parseRange({ from, to }, parseInstantIn(zone))
      const type = chooseRowType(request.headers.accept)
      const months = await records.listDetached({ ...range, cursor: query.cursor })
      tellDetached(reply, months)
      if (type === undefined) {
        const page = await refusalCounts.list({ ...query, ...range, limit })
        return { ...viewPage(page, viewCount), ...(months.length > 0 && { detachedMonths: [...months] }) }
      }
      const read = (cursor: string | undefined) =>
        refusalCounts.list({ ...query, ...range, cursor, limit: rowsAtOnce })
      const rows = await streamRows(request, type, { read, view: viewCount, columns })
      return sendRows(reply, type, { name: 'refusal-counts', rows })
    }
  )
}

const names = [
  'id',
  'recordedAt',
  'reason',
  'station',
  'tokenId',
  'code',
  'profile',
  'issuanceId',
  'count',
  'windowStart',
  'lastAt'
] as const
const columns = Object.fromEntries(
  names.map(name => [name, (view: ReturnType<typeof viewCount>) => view[name]])
)

function viewCount({ createdAt, profileName, refusalId, ...count }: RefusalCount) {
  return {
    ...leaveOutNulls(tell({ ...count, profile: profileName, issuanceId: refusalId })),
    recordedAt: createdAt.toISOString()
  }
}
