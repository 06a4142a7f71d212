import type { IssuanceRecord } from '../../../records/record.ts'
import { omitFields, pickFields } from '../../listing/fields.ts'
import { viewRecord } from '../issuances/view.ts'
import { type IssuanceEntryView, sentMembers } from './schemas.ts'

interface Shown {
  /** Undefined: all but the PEMs. */
  readonly fields: readonly string[] | undefined
  /** Members that whoever looks is not shown. */
  readonly hidden: ReadonlySet<string>
}

/** A record in a list. */
export function viewRow(record: IssuanceRecord, { fields, hidden }: Shown): IssuanceEntryView {
  const view = omitFields(viewRecord(record), hidden)
  return (
    fields === undefined ? omitFields(view, sentMembers) : pickFields(view, fields)
  ) as IssuanceEntryView
}

/** What of a list is read besides, where its members are named. */
export function besidesOf(fields: readonly string[] | undefined) {
  return {
    withRepeats: fields?.includes('repeats') === true,
    withPushes: fields?.includes('awsPushes') === true
  }
}
