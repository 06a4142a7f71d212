import type { Cell } from '../../../exports/formats/csv.ts'
import type { ColumnType } from '../../../exports/formats/format.ts'
import { subjectFields } from '../../../pki/name/subject-field.ts'
import { type IssuanceEntryView, IssuanceSelection, sentMembers } from './schemas.ts'

type Entry = Readonly<Record<string, unknown>> & Pick<IssuanceEntryView, 'outcome'>

/** The columns that readers of files know, in their order. What the record says besides comes after them. */
const order = [
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
  'mes',
  'subject',
  'thing'
]
/** Like lists, these have a column where it is asked for by name alone. */
const byNameAlone = new Set(['damage', 'repeats', 'withheld', 'bodyLength', 'bodySha256', ...sentMembers])

const schemas = Object.entries<object>(IssuanceSelection.properties)

const members = schemas
  .filter(([name, schema]) => !('items' in schema) && !byNameAlone.has(name))
  .map(([name]) => name)
  .sort((one, other) => placeOf(one) - placeOf(other))

function placeOf(member: string): number {
  const place = order.indexOf(member)
  return place < 0 ? order.length : place
}

type Columns = Readonly<Record<string, (entry: Entry) => Cell>>

/** What CSV has of a record unless it is asked for otherwise. */
export const issuanceColumns: Columns = Object.fromEntries(members.flatMap(columnsOfMember))

function columnsOfMember(name: string): readonly (readonly [column: string, (entry: Entry) => Cell])[] {
  switch (name) {
    case 'subject':
      return subjectFields.map(field => [
        `subject.${field}`,
        ({ subject }) => (subject as Readonly<Record<string, string>> | undefined)?.[field]
      ])
    case 'thing':
      return [
        ['thingName', ({ thing }) => (thing as { readonly thingName: string | null } | undefined)?.thingName]
      ]
    default:
      return [[name, entry => entry[name] as Cell]]
  }
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

/** Of those that hold no text, for formats that tell. */
export const issuanceColumnTypes: Readonly<Record<string, ColumnType>> = Object.fromEntries(
  schemas.flatMap(([name, schema]) => {
    const type = typeOf(schema)
    return type === undefined ? [] : [[name, type]]
  })
)

function typeOf(schema: object): ColumnType | undefined {
  const { format, type, const: value } = schema as { format?: string; type?: string; const?: unknown }
  if (format === 'date-time') return 'timestamp'
  if (type === 'integer') return 'integer'
  return value === true ? 'boolean' : undefined
}
