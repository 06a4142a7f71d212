/** What keeps a record from being one of RFC 4180. */
export class FieldFault extends Error {}

/**
 * The fields of one record of CSV (RFC 4180, section 2), without the line break. A value in quotes may hold the delimiter,
 * line breaks and doubled quotes; one without is taken as it is, whatever a spreadsheet would make of it.
 *
 * @throws FieldFault
 */
export function splitFields(record: string, delimiter: string): string[] {
  if (!record.includes('"')) return record.split(delimiter)
  const fields: string[] = []
  for (let at = 0; ;) {
    const isQuoted = record[at] === '"'
    const [field, end] = isQuoted ? readQuoted(record, at) : readPlain(record, at, delimiter)
    fields.push(field)
    if (end === record.length) return fields
    if (record[end] !== delimiter)
      throw new FieldFault('something stands behind the quote that closes a value')
    at = end + 1
  }
}

function readPlain(record: string, start: number, delimiter: string): [string, number] {
  const next = record.indexOf(delimiter, start)
  const end = next === -1 ? record.length : next
  const field = record.slice(start, end)
  if (field.includes('"')) throw new FieldFault('a quote stands within a value that does not begin with one')
  return [field, end]
}

function readQuoted(record: string, start: number): [string, number] {
  let field = ''
  for (let at = start + 1; ;) {
    const next = record.indexOf('"', at)
    if (next === -1) throw new FieldFault('a quote is not closed')
    field += record.slice(at, next)
    if (record[next + 1] !== '"') return [field, next + 1]
    field += '"'
    at = next + 2
  }
}
