import { describe, expect, it } from 'vitest'
import { partsOf, readParts } from '../../src/records/months/parts.ts'
import { firstIdentifierOf, identifierBounds } from '../../src/sources/identifier.ts'

const now = new Date('2026-11-28T02:00:00Z')
const boundsOf = (range: Parameters<typeof partsOf>[0]) =>
  [...partsOf(range, now)].map(part => {
    const { from, to } = part
    return [from?.toISOString().slice(0, 10), to?.toISOString().slice(0, 10)]
  })

describe('the parts of a range', () => {
  it.each([
    [
      'nothing',
      {},
      [
        ['2026-11-01', undefined],
        ['2026-08-01', '2026-11-01'],
        [undefined, '2026-08-01']
      ]
    ],
    ['a beginning in the last month', { from: new Date('2026-11-05') }, [['2026-11-05', undefined]]],
    ['a beginning on the first of a month', { from: new Date('2026-11-01') }, [['2026-11-01', undefined]]],
    [
      'a beginning and an end',
      { from: new Date('2025-12-31'), to: new Date('2026-01-02') },
      [
        ['2026-01-01', '2026-01-02'],
        ['2025-12-31', '2026-01-01']
      ]
    ],
    [
      'an end on the first of a month',
      { to: new Date('2024-03-01') },
      [
        ['2024-03-01', '2024-03-01'],
        ['2023-12-01', '2024-03-01'],
        [undefined, '2023-12-01']
      ]
    ]
  ] as const)('of %s meet', (_name, range, expected) => {
    expect(boundsOf(range)).toEqual(expected)
  })

  it('go on with a cursor where the page before ended', () => {
    const cursor = firstIdentifierOf(new Date('2026-05-03T01:00:00Z'))
    const parts = [...partsOf({ cursor, from: new Date('2026-04-30') }, now)].map(identifierBounds)
    expect(parts).toEqual([
      { first: firstIdentifierOf(new Date('2026-05-01')), end: cursor },
      { first: firstIdentifierOf(new Date('2026-04-30')), end: firstIdentifierOf(new Date('2026-05-01')) }
    ])
  })

  it('are read until there are enough rows, and no further', async () => {
    const asked: number[] = []
    const rows = await readParts(partsOf({}, now), 5, async (_part, limit) => {
      asked.push(limit)
      return [1, 2, 3].slice(0, limit)
    })
    expect(rows).toEqual([1, 2, 3, 1, 2])
    expect(asked).toEqual([5, 2])
  })
})
