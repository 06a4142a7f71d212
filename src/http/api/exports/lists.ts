import type { AuditLog } from '../../../audit/audit-log.ts'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import type { AskedExport, ExportedList, ExportList, OpenExportList } from '../../../exports/export.ts'
import type { Records } from '../../../records/records.ts'
import { chooseMembers, exportListOf } from '../../listing/export-list.ts'
import { pickFields } from '../../listing/fields.ts'
import { buildAuditConditions } from '../audit-events/query.ts'
import { auditColumns, viewAuditEvent } from '../audit-events/routes.ts'
import { AuditEventResource, type AuditEventView } from '../audit-events/schemas.ts'
import { columnsOf, issuanceColumnTypes } from '../records/columns.ts'
import { buildQuery } from '../records/query.ts'
import { hiddenFrom } from '../records/rights.ts'
import { besidesOf, viewRow } from '../records/row.ts'
import { recordFields } from '../records/schemas.ts'
import type { AuditEventFilter } from './schemas.ts'

export interface ExportSources {
  readonly records: Pick<Records, 'list' | 'estimate'>
  readonly auditLog: Pick<AuditLog, 'list' | 'estimate'>
}

type Asked = Parameters<OpenExportList>[0]

/** Most of what a page costs the database is of no row; and what a thread takes over is not written on the event loop. */
const rowsAtOnce = 250

/** Whoever may have a file made is a person, and all of these are shown the same. */
const hiddenFromExporters = hiddenFrom({ role: 'operator' })

/** The lists as their routes answer them, for files of them. */
export function createExportLists({ records, auditLog }: ExportSources): OpenExportList {
  const openers: Readonly<Record<ExportedList, (asked: Asked) => ExportList>> = {
    issuances(asked) {
      const { limit: _all, ...query } = buildQuery(asked.filter)
      const bounded = settle({ ...query, ...(asked.lines && { lines: asked.lines }) }, asked.createdAt)
      const members = chooseMembers(asked.fields, recordFields)
      return exportListOf(asked, {
        read: cursor => records.list({ ...bounded, cursor, limit: rowsAtOnce, ...besidesOf(members) }),
        view: record => viewRow(record, { fields: members, hidden: hiddenFromExporters }),
        columns: columnsOf(members, hiddenFromExporters),
        types: issuanceColumnTypes,
        estimate: () => records.estimate({ ...bounded, limit: rowsAtOnce })
      })
    },
    'audit-events'(asked) {
      const bounded = settle(buildAuditConditions(asked.filter as AuditEventFilter), asked.createdAt)
      const members = chooseMembers(asked.fields, Object.keys(AuditEventResource.properties))
      return exportListOf(asked, {
        read: cursor => auditLog.list({ ...bounded, cursor, limit: rowsAtOnce }),
        view: event => pickEvent(viewAuditEvent(event), members),
        columns: members === undefined ? auditColumns : pickColumns(auditColumns, members),
        types: { at: 'timestamp' },
        estimate: () => auditLog.estimate({ ...bounded, limit: rowsAtOnce })
      })
    }
  }
  return asked => openIn(openers, asked)
}

function pickEvent(view: AuditEventView, members: readonly string[] | undefined): AuditEventView {
  return (members === undefined ? view : pickFields(view, members)) as AuditEventView
}

function pickColumns<Column>(columns: Readonly<Record<string, Column>>, names: readonly string[]) {
  return Object.fromEntries(names.map(name => [name, columns[name]!]))
}

/** What comes on record later is not in the file: it would never end. */
function settle<Query extends { readonly to?: Date | undefined }>(query: Query, createdAt: Date) {
  return { ...query, to: query.to === undefined || query.to > createdAt ? createdAt : query.to }
}

/** @throws MintlineError `request_invalid`, with its place in the body. */
function openIn(
  openers: Readonly<Record<AskedExport['of'], (asked: Asked) => ExportList>>,
  asked: Asked
): ExportList {
  try {
    return openers[asked.of](asked)
  } catch (error) {
    if (!isMintlineError(error, 'request_invalid')) throw error
    const violations = error.violations.map(each => ({
      ...each,
      pointer: each.pointer.replace(/^\/query\//, '/filter/')
    }))
    throw new MintlineError(error.code, error.detail, { violations })
  }
}
