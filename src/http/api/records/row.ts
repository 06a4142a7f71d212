import type { IssuanceRecord } from '../../../records/record.ts'
import { omitFields, pickFields } from '../../listing/fields.ts'
import { viewRecord } from '../issuances/view.ts'
import { type IssuanceEntryView, sentMembers } from './schemas.ts'

/** A record in a list. @param fields undefined: all but the PEMs. */
export function viewRow(record: IssuanceRecord, fields: readonly string[] | undefined): IssuanceEntryView {
  const view = viewRecord(record)
  return (
    fields === undefined ? omitFields(view, sentMembers) : pickFields(view, fields)
  ) as IssuanceEntryView
}
