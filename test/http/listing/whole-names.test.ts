import { describe, expect, it } from 'vitest'
import { buildQuery } from '../../../src/http/api/records/query.ts'
import { takeWholeNames } from '../../../src/http/listing/whole-names.ts'

const names = ['station', 'line', 'lot', 'authority'] as const

describe('a name', () => {
  it.each(names)('of a %s is refused by its beginning where records are counted', name => {
    expect(() => takeWholeNames({ [name]: 'st-*' })).toThrow(
      expect.objectContaining({
        code: 'request_invalid',
        violations: [
          expect.objectContaining({ pointer: `/query/${name}`, expected: 'the whole name', found: 'st-*' })
        ]
      })
    )
    expect(takeWholeNames({ [name]: String.raw`st-\*` })).toEqual({ [name]: 'st-*' })
  })

  it.each(names)('of a %s is searched for by its beginning as well', name => {
    expect(buildQuery({ [name]: 'st-*' })).toEqual({ beginnings: { [name]: 'st-' }, limit: 50 })
    expect(buildQuery({ [name]: 'st-a' })).toEqual({ [name]: 'st-a', limit: 50 })
    expect(buildQuery({ [name]: String.raw`st-\*` })).toEqual({ [name]: 'st-*', limit: 50 })
    expect(() => buildQuery({ [name]: 's*' })).toThrow(
      expect.objectContaining({
        code: 'request_invalid',
        violations: [
          expect.objectContaining({
            pointer: `/query/${name}`,
            expected: 'at least 2 characters before the *',
            found: 's*'
          })
        ]
      })
    )
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
