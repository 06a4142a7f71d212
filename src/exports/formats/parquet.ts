import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Cell } from './csv.ts'
import { type Column, type ColumnType, type OpenFormat, type Row, textOf } from './format.ts'

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number]

/** Of a row group: what is kept in memory, and what a reader that skips takes at once. */
const groupRows = 10_000
const groupCharacters = 16 * 1024 * 1024

/** Apache Parquet: a column each, all optional; timestamps in milliseconds of UTC, the rest of what is no text as what it is. */
export const openParquet: OpenFormat = (name, columns) => {
  const bytes = new ByteWriter()
  const schema = [
    { name: name.replaceAll('-', '_'), num_children: columns.length },
    ...columns.map(elementOf)
  ]
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'Mintline' })
  let group: Row[] = []
  let characters = 0

  async function writeGroup(): Promise<void> {
    const columnData = columns.map(({ name, type }, index) => ({
      name,
      data: group.map(row => valueOf(row[index], type))
    }))
    await writer.write({ columnData, rowGroupSize: group.length })
    group = []
    characters = 0
  }
  const take = (): readonly Uint8Array[] => {
    if (bytes.index === 0) return []
    const taken = bytes.getBytes().slice()
    // What was taken is given back; the offset goes on.
    bytes.index = 0
    return [taken]
  }
  return {
    async add(rows) {
      for (const row of rows) {
        group.push(row)
        characters += lengthOf(row)
        if (group.length >= groupRows || characters >= groupCharacters) await writeGroup()
      }
      return take()
    },
    async end() {
      if (group.length > 0) await writeGroup()
      await writer.finish()
      return take()
    }
  }
}

function elementOf({ name, type }: Column): SchemaElement {
  return { name, repetition_type: 'OPTIONAL', ...kindOf(type) }
}

function kindOf(
  type: ColumnType | undefined
): Pick<SchemaElement, 'type' | 'converted_type' | 'logical_type'> {
  if (type === 'integer') return { type: 'INT32' }
  if (type === 'boolean') return { type: 'BOOLEAN' }
  if (type === undefined)
    return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
  return {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' }
  }
}

function valueOf(cell: Cell, type: ColumnType | undefined): unknown {
  if (cell === null || cell === undefined) return null
  if (type === undefined) return textOf(cell)
  return type === 'timestamp' ? new Date(cell as string) : cell
}

function lengthOf(row: Row): number {
  return row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 16), 0)
}
