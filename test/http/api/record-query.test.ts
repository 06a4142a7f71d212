import { describe, expect, it } from 'vitest'
import { buildQuery } from '../../../src/http/api/records/query.ts'

const id = 'AB:'.repeat(31) + 'AB'

describe('what records are searched for', () => {
  it.each([
    [{}, { limit: 50 }],
    [
      { limit: 200, cursor: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11' },
      { limit: 200, cursor: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11' }
    ],
    [
      { station: 'station-7', profile: 'starter', authority: 'starter-g1', outcome: 'unknown' as const },
      { limit: 50, station: 'station-7', profile: 'starter', authority: 'starter-g1', outcome: 'unknown' }
    ],
    [
      { from: '2026-11-23T00:00:00+01:00', to: '2026-11-24T00:00:00.5Z' },
      { limit: 50, from: new Date('2026-11-22T23:00:00Z'), to: new Date('2026-11-24T00:00:00.5Z') }
    ],
    [
      { from: '2026-11-18', to: '2026-11-19' },
      { limit: 50, from: new Date('2026-11-18T00:00:00Z'), to: new Date('2026-11-19T00:00:00Z') }
    ],
    [{ certificateId: id }, { limit: 50, certificateId: 'ab'.repeat(32) }],
    [{ serialNumber: '5F:3A' }, { limit: 50, serialNumber: '5f3a' }],
    [{ serialNumber: 'F33A' }, { limit: 50, serialNumber: '00f33a' }],
    [{ serialNumber: '00f33a' }, { limit: 50, serialNumber: '00f33a' }],
    [{ serialNumber: '0:01' }, { limit: 50, serialNumber: '01' }],
    [{ serialNumber: '00' }, { limit: 50, serialNumber: '00' }]
  ])('for %o is as it is kept', (asked, expected) => {
    expect(buildQuery(asked)).toEqual(expected)
  })

  it.each(['from', 'to'])('has no %s in a leap second', name => {
    const query = () => buildQuery({ [name]: '2016-12-31T23:59:60Z' })
    expect(query).toThrow(
      expect.objectContaining({
        code: 'request_invalid',
        violations: [expect.objectContaining({ pointer: `/query/${name}`, found: '2016-12-31T23:59:60Z' })]
      })
    )
  })
})
