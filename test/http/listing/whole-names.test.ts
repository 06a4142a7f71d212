import { describe, expect, it } from 'vitest'
import { buildQuery } from '../../../src/http/api/records/query.ts'
import { takeWholeNames } from '../../../src/http/listing/whole-names.ts'

describe('a name', () => {
  it.each(['station', 'line', 'lot', 'authority'] as const)('of a %s is refused by its beginning', name => {
    const refused = {
      code: 'request_invalid',
      violations: [{ pointer: `/query/${name}`, expected: 'the whole name', found: 'st-*' }]
    }
    for (const take of [takeWholeNames, buildQuery])
      expect(() => take({ [name]: 'st-*' })).toThrow(
        expect.objectContaining({
          ...refused,
          violations: [expect.objectContaining(refused.violations[0])]
        })
      )
    expect(takeWholeNames({ [name]: String.raw`st-\*` })).toEqual({ [name]: 'st-*' })
    expect(buildQuery({ [name]: 'st-a' })).toMatchObject({ [name]: 'st-a' })
  })
})

describe('a value that ends in a backslash and a star', () => {
  it('is the value that ends in a star', () => {
    const terms = [
      { name: 'thingName', value: 'Graz*', isPrefix: false },
      { name: 'metadata', value: 'site:Graz*', isPrefix: false }
    ]
    const asked = { thingName: String.raw`Graz\*`, metadata: [String.raw`site:Graz\*`] }
    expect(buildQuery(asked).terms).toEqual(terms)
    expect(buildQuery({ thingName: 'Graz*' }).terms).toEqual([
      { name: 'thingName', value: 'Graz', isPrefix: true }
    ])
  })
})
