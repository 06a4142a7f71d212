import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byteaArray } from '../../src/database/array-literal.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})

afterAll(() => test.drop())

describe('byteaArray', () => {
  it('arrives in PostgreSQL byte for byte, empty values and nulls included', async () => {
    const everyOctet = Uint8Array.from({ length: 256 }, (_, octet) => octet)
    const partOfLargerBuffer = everyOctet.subarray(7, 9)
    const values = [everyOctet, new Uint8Array(), null, partOfLargerBuffer]
    const rows = await test.database.prisma.$queryRawUnsafe<{ value: Uint8Array | null }[]>(
      'SELECT value FROM unnest($1::bytea[]) WITH ORDINALITY AS t(value, position) ORDER BY position',
      byteaArray(values)
    )
    expect(rows.map(row => row.value && [...row.value])).toEqual(values.map(value => value && [...value]))
  })

  it('is an empty array without values', async () => {
    const rows = await test.database.prisma.$queryRawUnsafe<{ count: number }[]>(
      'SELECT cardinality($1::bytea[]) AS count',
      byteaArray([])
    )
    expect(rows).toEqual([{ count: 0 }])
  })
})
