import { subjectFields } from '../../../../pki/name/subject-field.ts'
import { parseUnambiguousJson } from '../../../../sources/json.ts'
import { type DeviceRow, echo, parseDeviceRow, type RowFaults } from '../list/device-row.ts'
import { ArraySplitter } from './array-splitter.ts'
import { FieldFault, splitFields } from './csv-fields.ts'
import { LineSplitter } from './line-splitter.ts'
import { maximumRecordBytes, type RawRecord, type Splitter, StructureFault } from './record.ts'

/** How a list is written: CSV with a header, JSON objects line by line, or a JSON array of them. */
export type ListKind = 'csv' | 'ndjson' | 'json'

/** Where a list can be gone on with, and what was read of it until there. */
export interface ReaderState {
  /** Octets. */
  readonly offset: number
  /** Lines, or elements. */
  readonly passed: number
  /** Of CSV, once its header is read. */
  readonly header?: Header | undefined
}

interface Header {
  readonly delimiter: string
  readonly columns: readonly string[]
}

/** A row, or what is wrong with it. */
export type ReadRow = Omit<RawRecord, 'bytes'> &
  ({ readonly row: DeviceRow } | { readonly faults: RowFaults })

export const atBeginning: ReaderState = { offset: 0, passed: 0 }

const columnNames: readonly string[] = ['thingName', 'spkiSha256', ...subjectFields]
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a list piece by piece. */
export class ListReader {
  readonly #kind: ListKind
  readonly #splitter: Splitter
  #header: Header | undefined

  constructor(kind: ListKind, state: ReaderState = atBeginning) {
    this.#kind = kind
    this.#header = state.header
    this.#splitter =
      kind === 'json'
        ? new ArraySplitter(state)
        : new LineSplitter(state, state.header?.delimiter.charCodeAt(0))
  }

  /** Of CSV. */
  get header(): Header | undefined {
    return this.#header
  }

  /** The rows that end in this piece. @throws StructureFault where it cannot be read on. */
  *push(chunk: Buffer): Generator<ReadRow> {
    for (const record of this.#splitter.push(chunk)) yield* this.#read(record)
  }

  /** What is left at the end. @throws StructureFault. */
  *end(): Generator<ReadRow> {
    for (const record of this.#splitter.end()) yield* this.#read(record)
  }

  *#read({ bytes, ...place }: RawRecord): Generator<ReadRow> {
    const { position } = place
    const text = bytes && decode(bytes, position)
    if (this.#kind === 'csv' && this.#header === undefined) {
      if (text === undefined)
        throw headerFault(position, 'The first line cannot be read as UTF-8 of a usual length.')
      if (text.trim() !== '') this.#readHeader(text, position)
    } else if (text !== undefined) {
      if (text.trim() !== '') yield { ...place, ...this.#parse(text) }
    } else {
      yield { ...place, faults: [unreadable(bytes)] }
    }
  }

  #readHeader(text: string, position: number): void {
    const line = withoutReturn(text)
    const delimiter = line.includes(';') && !line.includes(',') ? ';' : ','
    const columns = splitOrFault(line, delimiter, position).map(name => name.trim())
    const unknown = columns.filter(name => !columnNames.includes(name))
    if (unknown.length > 0) {
      const found = unknown.slice(0, 5).map(echo).join(', ')
      throw headerFault(position, `There is no column ${found}. Leave out what is not among them.`)
    }
    if (new Set(columns).size < columns.length) throw headerFault(position, 'A column stands there twice.')
    this.#header = { delimiter, columns }
    if (this.#splitter instanceof LineSplitter) this.#splitter.delimiter = delimiter.charCodeAt(0)
  }

  #parse(text: string): { readonly row: DeviceRow } | { readonly faults: RowFaults } {
    try {
      if (this.#kind === 'csv')
        return this.#parseFields(splitFields(withoutReturn(text), this.#header!.delimiter))
      return parseDeviceRow(parseUnambiguousJson(text))
    } catch (error) {
      const isFields = error instanceof FieldFault
      const message = isFields
        ? 'RFC 4180: a value with a quote is in quotes, and its quotes are doubled.'
        : 'Correct it, or leave it out.'
      return {
        faults: [
          {
            pointer: '',
            expected: isFields ? 'a record of CSV' : 'one JSON object',
            found: isFields ? error.message : 'no JSON, or a member that is there twice',
            message
          }
        ]
      }
    }
  }

  #parseFields(fields: readonly string[]): { readonly row: DeviceRow } | { readonly faults: RowFaults } {
    const { columns } = this.#header!
    if (fields.length !== columns.length) {
      const message = 'A value that holds the delimiter is in quotes.'
      return {
        faults: [
          {
            pointer: '',
            expected: `${columns.length} values, as the header`,
            found: String(fields.length),
            message
          }
        ]
      }
    }
    const value: Record<string, unknown> = {}
    const subject: Record<string, string> = {}
    columns.forEach((name, index) => {
      const field = fields[index]!
      if (field === '') return
      if (name === 'thingName' || name === 'spkiSha256') value[name] = field
      else subject[name] = field
    })
    if (Object.keys(subject).length > 0) value['subject'] = subject
    return parseDeviceRow(value)
  }
}

/** Undefined where it is no UTF-8. @throws StructureFault for UTF-16, where nothing would be right. */
function decode(bytes: Buffer, position: number): string | undefined {
  if (position === 1 && isUtf16(bytes))
    throw new StructureFault(position, 'UTF-8', 'The file is UTF-16. Save it as UTF-8.')
  try {
    const text = decoder.decode(bytes)
    return position === 1 && text.startsWith('\ufeff') ? text.slice(1) : text
  } catch {
    return undefined
  }
}

function unreadable(bytes: Buffer | undefined) {
  return bytes === undefined
    ? {
        pointer: '',
        expected: `at most ${maximumRecordBytes} octets`,
        found: 'more',
        message: 'Look for a quote or a line break that is missing.'
      }
    : { pointer: '', expected: 'UTF-8', found: 'other octets', message: 'Save the file as UTF-8.' }
}

function splitOrFault(line: string, delimiter: string, position: number): string[] {
  try {
    return splitFields(line, delimiter)
  } catch {
    throw headerFault(position, 'It is no record of CSV.')
  }
}

function headerFault(position: number, message: string): StructureFault {
  return new StructureFault(position, `a header with columns of ${columnNames.join(', ')}`, message)
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xfe && second === 0xff) || (first === 0xff && second === 0xfe)
}
