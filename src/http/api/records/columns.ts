import type { Cell } from '../../../exports/formats/csv.ts'
import type { ColumnType } from '../../../exports/formats/format.ts'
import { subjectFields } from '../../../pki/name/subject-field.ts'
import type { IssuanceEntryView } from './schemas.ts'

type Entry = Readonly<Record<string, unknown>> & Pick<IssuanceEntryView, 'outcome'>

/** Members that come as they are. The rest has columns where it is asked for by name. */
const plain = [
  'id',
  'requestedAt',
  'outcome',
  'state',
  'station',
  'line',
  'site',
  'lot',
  'credential',
  'requestId',
  'profile',
  'profileVersion',
  'templateSha256',
  'authority',
  'serialNumber',
  'certificateId',
  'spkiSha256',
  'notBefore',
  'notAfter',
  'issuedAt',
  'code',
  'detail',
  'voidedAt',
  'voidedBy',
  'reason',
  'releasedAt',
  'releasedBy',
  'releaseReason',
  'scrappedAt',
  'scrappedBy',
  'scrapReason',
  'supersedes',
  'supersededAt',
  'successor',
  'endsAt',
  'heldAt',
  'heldBy',
  'holdNote',
  'revokedAt',
  'revokedBy',
  'revocationReason',
  'revocationNote',
  'invalidityDate',
  'purgedAt',
  'purgedBy',
  'purgeReason',
  'compromised',
  'damaged',
  'metadata',
  'stationSubject',
  'mes'
] as const

type Columns = Readonly<Record<string, (entry: Entry) => Cell>>

/** What CSV has of a record unless it is asked for otherwise. */
export const issuanceColumns: Columns = {
  ...Object.fromEntries(plain.map(name => [name, (entry: Entry) => entry[name] as Cell])),
  ...Object.fromEntries(
    subjectFields.map(field => [
      `subject.${field}`,
      ({ subject }: Entry) => (subject as Readonly<Record<string, string>> | undefined)?.[field]
    ])
  ),
  thingName: ({ thing }) => (thing as { readonly thingName: string | null } | null | undefined)?.thingName
}

/**
 * What CSV has of these members: the columns above, and JSON for what has none.
 *
 * @param hidden members that whoever looks is not shown: they have no columns.
 */
export function columnsOf(fields: readonly string[] | undefined, hidden: ReadonlySet<string>): Columns {
  if (fields === undefined) {
    const shown = Object.entries(issuanceColumns).filter(([column]) => !hidden.has(memberOf(column)))
    return Object.fromEntries(shown)
  }
  const columns = fields.flatMap(name => {
    const own = Object.entries(issuanceColumns).filter(([column]) => memberOf(column) === name)
    return own.length > 0 ? own : [[name, (entry: Entry) => entry[name] as Cell] as const]
  })
  return Object.fromEntries(columns)
}

/** The member of the record that a column comes from. */
function memberOf(column: string): string {
  if (column === 'thingName') return 'thing'
  return column.startsWith('subject.') ? 'subject' : column
}

const timestamps = [
  'requestedAt',
  'notBefore',
  'notAfter',
  'issuedAt',
  'voidedAt',
  'releasedAt',
  'scrappedAt',
  'supersededAt',
  'endsAt',
  'heldAt',
  'revokedAt',
  'invalidityDate',
  'purgedAt'
]

/** Of those that hold no text, for formats that tell. */
export const issuanceColumnTypes: Readonly<Record<string, ColumnType>> = {
  ...Object.fromEntries(timestamps.map(name => [name, 'timestamp' as const])),
  profileVersion: 'integer',
  compromised: 'boolean',
  damaged: 'boolean'
}
