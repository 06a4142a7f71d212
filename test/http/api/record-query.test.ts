import { describe, expect, it } from 'vitest'
import { buildQuery } from '../../../src/http/api/records/query.ts'

const id = 'AB:'.repeat(31) + 'AB'

const refusalOf = (pointer: string, found: string): unknown =>
  expect.objectContaining({
    code: 'request_invalid',
    violations: [expect.objectContaining({ pointer, found })]
  })

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

  // PostgreSQL has no year 0, and a Date writes what is after 9999 as it does not read it.
  const timesOutOfRange = [
    '0000-01-01',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-01:00'
  ]
  it.each(
    ['from', 'to', 'expiresBefore', 'expiresAfter'].flatMap(name =>
      timesOutOfRange.map(time => [name, time] as const)
    )
  )('has no %s %s', (name, time) => {
    expect(() => buildQuery({ [name]: time })).toThrow(refusalOf(`/query/${name}`, time))
  })

  it('goes to the ends of time', () => {
    expect(buildQuery({ from: '0001-01-01', to: '9999-12-31T23:59:59.999Z' })).toMatchObject({
      from: new Date('0001-01-01T00:00:00Z'),
      to: new Date('9999-12-31T23:59:59.999Z')
    })
  })

  it.each([
    ['from', '2026-11-24', 'to', '2026-11-23'],
    ['from', '2026-11-23', 'to', '2026-11-23'],
    ['from', '2026-11-23T00:00:00Z', 'to', '2026-11-23T00:30:00+01:00'],
    ['expiresAfter', '2030-01-02', 'expiresBefore', '2030-01-01'],
    ['expiresAfter', '2030-01-01', 'expiresBefore', '2030-01-01']
  ])('has no %s %s with %s %s', (...[first, begin, last, end]) => {
    expect(() => buildQuery({ [first]: begin, [last]: end })).toThrow(refusalOf(`/query/${last}`, end))
  })
})
