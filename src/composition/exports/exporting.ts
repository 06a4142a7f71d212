import type { AuditLog } from '../../audit/audit-log.ts'
import { createAuditLog } from '../../audit/audit-log-store.ts'
import { createExportStore } from '../../exports/export-store.ts'
import { createExports, type Exports } from '../../exports/exports.ts'
import { runExports } from '../../exports/run/run.ts'
import { createRunStore } from '../../exports/run/run-store.ts'
import { createExportLists } from '../../http/api/exports/lists.ts'
import type { JobHandlers } from '../../jobs/job.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import { createRecordStore } from '../../records/record-store.ts'
import type { Core } from '../core.ts'
import { openRecords } from '../issuance-path.ts'
import { watchStorage } from '../open-database.ts'

interface Exporting {
  readonly auditLog: AuditLog
  readonly exports: Exports
}

/** The audit as a list, and for who asks for files of lists, and reads them. */
export function createExporting(core: Core, jobs: JobQueue): Exporting {
  const { database, search, clock, randomBytes } = core
  const store = createExportStore(database)
  const exports = createExports({ store, openList: listsOf(core), jobs, clock, randomBytes })
  return { auditLog: createAuditLog(search), exports }
}

/** Makes them. */
export function createExportJobs(core: Core, stops: AsyncDisposableStack): JobHandlers {
  const { database, config, clock, randomBytes } = core
  const storage = watchStorage(core, stops)
  const dependencies = {
    store: createRunStore(database),
    openList: listsOf(core),
    keptDays: config.exportDays,
    maximumOctets: config.exportMaximumBytes,
    isReserveTouched: () => storage.isReserveTouched(),
    clock,
    randomBytes
  }
  return { 'export.run': (_data, signal) => runExports(dependencies, signal) }
}

function listsOf(core: Core) {
  const { database, search, clock } = core
  // That a record is damaged is told where it is shown first; here it is in the file.
  const records = openRecords(core, createRecordStore(database, search, clock), () => undefined)
  return createExportLists({ records, auditLog: createAuditLog(search) })
}
