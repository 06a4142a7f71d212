import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeRowBatch } from '../../src/database/row-batch.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

interface Row {
  readonly id: string
  readonly name: string | null
  readonly count: number | null
  readonly time: Date | null
  readonly bytes: Uint8Array | null
  readonly document: unknown
}

const batch = describeRowBatch<Row>(
  [
    { column: 'id', type: 'uuid', valueOf: row => row.id },
    { column: 'name', type: 'text', valueOf: row => row.name },
    { column: 'count', type: 'int', valueOf: row => row.count },
    { column: 'time', type: 'timestamptz', valueOf: row => row.time },
    { column: 'bytes', type: 'bytea', valueOf: row => row.bytes },
    { column: 'document', type: 'jsonb', valueOf: row => row.document }
  ],
  2
)

const id = (digit: number) => `0199ad4b-0000-7000-8000-00000000000${digit}`

const rows: readonly Row[] = [
  {
    id: id(1),
    name: '{"a",NULL}\\x',
    count: -1,
    time: new Date('2026-11-23T10:00:00.123Z'),
    bytes: Uint8Array.of(0, 34, 44, 92, 123, 125, 255),
    document: { key: '"},{\\', list: [null, 1] }
  },
  { id: id(2), name: null, count: null, time: null, bytes: null, document: null },
  { id: id(3), name: '', count: 0, time: new Date(0), bytes: new Uint8Array(), document: [] },
  { id: id(4), name: 'NULL', count: 2147483647, time: null, bytes: null, document: 'null' }
]

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})

afterAll(() => test.drop())

/** Shifted by a parameter, as a statement of two batches has it. */
const read = (sent: readonly Row[]) =>
  test.database.prisma.$queryRawUnsafe<Row[]>(
    `SELECT ${batch.columnList} FROM ${batch.unnest} AS t(${batch.columnList}) WHERE $1::text IS NOT NULL`,
    'first',
    ...batch.parametersOf(sent)
  )

describe('a batch of rows', () => {
  it('reads in SQL as it was written, whatever is in it', async () => {
    expect(await read(rows)).toEqual(rows)
  })

  it('may be empty', async () => {
    expect(await read([])).toEqual([])
  })

  it('takes as many parameters as it says', () => {
    expect(batch.parametersOf(rows)).toHaveLength(batch.parameterCount)
    expect(batch.unnest).toContain('$7::jsonb[]')
  })

  it('is refused as a whole where a row has something else in it than the column takes', async () => {
    await expect(read([...rows, { ...rows[0]!, id: 'no uuid' }])).rejects.toThrow()
  })
})
