import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEncoder } from '../../src/exports/encoding/encoder.ts'
import type { Cell } from '../../src/exports/formats/csv.ts'
import type { Column, ExportFormat, Row, RowFormat } from '../../src/exports/formats/format.ts'
import { cutMark, maximumCellLength } from '../../src/exports/formats/sheet-xml.ts'
import { Workbook } from '../../src/exports/formats/xlsx.ts'
import { needs } from '../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { needsOpenpyxl, readCsvRows, readSheets } from './reading.ts'

let directory: TemporaryDirectory
beforeAll(async () => {
  directory = await createTemporaryDirectory()
})
afterAll(() => directory.remove())

const columns: readonly Column[] = [
  { name: 'id' },
  { name: 'at', type: 'timestamp' },
  { name: 'version', type: 'integer' },
  { name: 'damaged', type: 'boolean' },
  { name: 'text' }
]

/** What spreadsheets, XML, CSV and readers of either have been seen to stumble over. */
const texts = [
  '=1+1',
  '=HYPERLINK("http://evil.example","x")',
  '+49 170',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  ' =1',
  '  -1  ',
  '＝1',
  '\n=1',
  "'=1",
  '"quoted", and more',
  'a\nb\r\nc\rd',
  '<b>&amp;</b> ]]>',
  '_x0041_ and _x000D_ and _x005F_',
  '\u0001\u0008\u000b\u001f\ufffe\uffff',
  'Gr\u00fc\u00dfe \u{1f600} \u4e2d\u6587',
  '0012',
  '1E5',
  'TRUE',
  '2026-11-27',
  'null',
  ''
] as const

const rows: readonly Row[] = [
  ...texts.map((text, index): Row => [
    `id-${index}`,
    '2026-11-27T10:00:00.123Z',
    index,
    index % 2 === 0,
    text
  ]),
  ['=id', '9999-12-31T23:59:59.000Z', -5, undefined, { key: '=1', list: ['@'] }],
  ['none', null, null, null, undefined]
]

const asText = (cell: Cell): string | null =>
  cell === null || cell === undefined ? null : typeof cell === 'object' ? JSON.stringify(cell) : String(cell)

async function write(file: RowFormat, parts: readonly (readonly Row[])[]): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (const part of parts) chunks.push(...(await file.add(part)))
  chunks.push(...(await file.end()))
  return Buffer.concat(chunks)
}

async function encode(format: ExportFormat, parts = [rows.slice(0, 5), rows.slice(5)]): Promise<Buffer> {
  await using encoder = openEncoder({ format, name: 'issuances', columns })
  return await write(encoder, parts)
}

async function writeFileOf(name: string, octets: Uint8Array): Promise<string> {
  const path = join(directory.path, name)
  await writeFile(path, octets)
  return path
}

describe('XLSX', needsOpenpyxl, () => {
  it('has every row as openpyxl reads it, and no formula', async () => {
    const [sheet, ...others] = readSheets(await writeFileOf('all.xlsx', await encode('xlsx')))
    expect(others).toEqual([])
    expect(sheet!.name).toBe('issuances')
    const [header, ...read] = sheet!.rows
    expect(header).toEqual(columns.map(({ name }) => name))
    const expected = rows.map(([id, at, version, damaged, text]) => [
      id,
      at ?? null,
      version ?? null,
      damaged ?? null,
      // A cell without text is empty.
      asText(text) === '' ? null : asText(text)
    ])
    expect(read).toEqual(expected)
  })

  it('goes on in further sheets, with the names of the columns in each', async () => {
    const book = new Workbook('audit-events', ['a', 'b'], 4)
    const many = Array.from({ length: 7 }, (_, index): Row => [`=${index}`, index])
    const sheets = readSheets(
      await writeFileOf('sheets.xlsx', await write(book, [many.slice(0, 2), many.slice(2)]))
    )
    expect(sheets).toEqual([
      { name: 'audit-events', rows: [['a', 'b'], ...many.slice(0, 3)] },
      { name: 'audit-events 2', rows: [['a', 'b'], ...many.slice(3, 6)] },
      { name: 'audit-events 3', rows: [['a', 'b'], ...many.slice(6)] }
    ])
  })

  it('cuts what no cell holds, and says so', async () => {
    const long = '\u{1f600}'.repeat(maximumCellLength)
    const [sheet] = readSheets(
      await writeFileOf('long.xlsx', await encode('xlsx', [[['id', null, null, null, long]]]))
    )
    const cell = sheet!.rows[1]![4] as string
    expect(cell.length).toBeLessThanOrEqual(maximumCellLength)
    expect(cell.endsWith(cutMark)).toBe(true)
    expect(cell.isWellFormed()).toBe(true)
  })
})

describe('Parquet', () => {
  it('has every row with its types, as DuckDB reads it', async () => {
    const path = await writeFileOf('all.parquet', await encode('parquet'))
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const result = await connection.runAndReadAll(
      `SELECT id, epoch_ms("at"), version, damaged, "text" FROM '${path}'`
    )
    expect(result.getRowsJson()).toEqual(
      rows.map(([id, at, version, damaged, text]) => [
        id,
        at ? String(Date.parse(at as string)) : null,
        version ?? null,
        damaged ?? null,
        asText(text)
      ])
    )
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`)
    expect(described.getRowsJson().map(([, type]) => type)).toEqual([
      'VARCHAR',
      'TIMESTAMP WITH TIME ZONE',
      'INTEGER',
      'BOOLEAN',
      'VARCHAR'
    ])
  })

  it('is written in row groups, none of which is large', async () => {
    const page = Array.from({ length: 100 }, (_, index): Row => [
      `id-${index}`,
      null,
      index,
      true,
      'x'.repeat(2_000)
    ])
    const octets = await encode(
      'parquet',
      Array.from({ length: 250 }, () => page)
    )
    const path = await writeFileOf('groups.parquet', octets)
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const groups = await connection.runAndReadAll(
      `SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata('${path}') ORDER BY 1`
    )
    const sizes = groups.getRowsJson().map(([, size]) => Number(size))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(25_000)
    expect(sizes.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_000)
  })

  it('without rows is one that DuckDB reads', async () => {
    const path = await writeFileOf('none.parquet', await encode('parquet', []))
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    expect((await connection.runAndReadAll(`SELECT count(*) FROM '${path}'`)).getRowsJson()).toEqual([['0']])
  })
})

describe('CSV', needs('python3'), () => {
  it('has every row as Python reads it, with what would be a formula defused', async () => {
    const [header, ...read] = readCsvRows(await encode('csv'))
    expect(header).toEqual(columns.map(({ name }) => name))
    const defuse = (cell: Cell) => {
      const text = asText(cell) ?? ''
      return typeof cell !== 'number' && /^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text
    }
    expect(read).toEqual(rows.map(row => row.map(defuse)))
    expect(read.flat().filter(cell => /^[=+@\t\r]/.test(cell))).toEqual([])
  })
})

it('a thread that fails is told, and what is asked of it afterwards as well', async () => {
  await using encoder = openEncoder({ format: 'parquet', name: 'issuances', columns })
  const broken: Row = ['id', 'no time', 1.5, 'no boolean', 'x']
  await encoder.add([broken])
  await expect(encoder.end()).rejects.toThrow()
  await expect(encoder.end()).rejects.toThrow()
})
