import Type, { type Static } from 'typebox'
import { errorCodes } from '../../../errors/mintline-error.ts'
import { exportedLists, exportStates } from '../../../exports/export.ts'
import { exportFormats } from '../../../exports/formats/format.ts'
import { detachedMonths } from '../../listing/detached.ts'
import { nextCursor, pageQuery } from '../../schemas/page.ts'
import { referenceTo, strict, uuid } from '../../schemas/reference.ts'
import { AuditEventListQuerystring } from '../audit-events/schemas.ts'
import { IssuanceListQuerystring } from '../records/schemas.ts'

const {
  limit: _limit,
  cursor: _cursor,
  fields: _fields,
  ...issuanceFilters
} = IssuanceListQuerystring.properties
const { limit: _auditLimit, cursor: _auditCursor, ...auditFilters } = AuditEventListQuerystring.properties

const IssuanceFilter = Type.Object(issuanceFilters, strict)
const AuditEventFilter = Type.Object(auditFilters, strict)
export type AuditEventFilter = Static<typeof AuditEventFilter>

const of = Type.Enum(exportedLists, {
  type: 'string',
  description: 'The list: `GET /v1/issuances` or `GET /v1/audit-events`.'
})
const format = Type.Enum(exportFormats, {
  type: 'string',
  description:
    '`csv` and `ndjson` as the lists answer them. `xlsx`: texts as texts, never formulas; beyond 1,048,575 rows a further sheet; a text beyond 32,767 characters is cut, and says so. `parquet`: timestamps as such.'
})
const filter = Type.Object(
  {},
  {
    additionalProperties: true,
    description: 'What the query of the list takes, by the same names, but `limit`, `cursor` and `fields`.'
  }
)
const fields = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
  description:
    'Names of members: these alone come, and always `id`. What the list has without `fields`, unless given.'
})
const example = {
  id: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a78',
  asked: { of: 'issuances', format: 'xlsx', filter: { station: 'station-7', from: '2026-11-01' } }
}

const AskedExport = Type.Object(
  { of, format, filter: Type.Optional(filter), fields: Type.Optional(fields) },
  { ...strict, examples: [example.asked] }
)

/** Named in each part: who looks at a part alone takes what it does not name for one too many. */
const named = { of: {}, format: {}, filter: {}, fields: {} }
const filterOf = (list: string, schema: object) => ({
  if: { type: 'object', properties: { ...named, of: { const: list } }, required: ['of'] },
  then: { type: 'object', properties: { ...named, filter: schema } }
})

/** Each list has its own filters, and what is wrong in one is told of that alone. */
export const ExportBody = Type.Unsafe<Static<typeof AskedExport>>({
  ...AskedExport,
  allOf: [filterOf('issuances', IssuanceFilter), filterOf('audit-events', AuditEventFilter)]
})

const timestamp = (description: string) => Type.String({ format: 'date-time', description })

export const ExportResource = Type.Object(
  {
    id: uuid({ examples: [example.id] }),
    of,
    format,
    filter,
    fields: Type.Optional(fields),
    lines: Type.Optional(
      Type.Array(Type.String(), { description: 'To which who asked is held: rows of others are not in it.' })
    ),
    state: Type.Enum(exportStates, {
      type: 'string',
      description:
        '`waiting` for its turn, `running`, `done` and there to be read, `failed` for good, `expired`: its file is gone.'
    }),
    createdBy: Type.String({ description: 'Who asked for it.', examples: ['auditor/audit'] }),
    createdAt: timestamp('When. What is on record from then on is not in it.'),
    begunAt: Type.Optional(timestamp('When it was begun, the last time.')),
    endedAt: Type.Optional(timestamp('When it was done, or failed.')),
    expiresAt: Type.Optional(timestamp('When the file is taken away.')),
    rows: Type.Integer({ minimum: 0, description: 'In the file, so far.' }),
    aboutRows: Type.Optional(
      Type.Integer({ minimum: 0, description: 'How many there will be, as the database estimates it.' })
    ),
    octets: Type.Integer({ minimum: 0, description: 'Of the file, so far.' }),
    sha256: Type.Optional(
      Type.String({
        description: 'Of the file, in hex, once it is done; its ETag.',
        examples: ['e3b0c44298fc…']
      })
    ),
    failure: Type.Optional(
      Type.Object(
        { code: Type.Enum(errorCodes, { type: 'string' }), detail: Type.String() },
        { ...strict, description: 'Why it failed.' }
      )
    ),
    detachedMonths
  },
  { $id: 'Export', ...strict, description: 'A list as a file.' }
)

export type ExportView = Static<typeof ExportResource>

export const ExportPage = Type.Object(
  { items: Type.Array(referenceTo(ExportResource)), nextCursor: nextCursor('older exports') },
  { $id: 'ExportPage', ...strict, description: 'Newest first.' }
)

export const ExportParams = Type.Object({ id: uuid({ examples: [example.id] }) }, strict)

export const defaultExportLimit = 50

export const ExportListQuerystring = Type.Object(
  pageQuery({
    cursor: uuid({ examples: [example.id] }),
    defaultLimit: defaultExportLimit,
    maximumLimit: 200
  }),
  strict
)
