import { describe, expect, it } from 'vitest'
import { parseUnambiguousJson } from '../../src/sources/json.ts'

describe('JSON that is read in one way alone', () => {
  it.each([
    '{"a":1,"b":{"a":[{"a":null},{"a":"c"}]}}',
    String.raw`{"a":"\"a\":","b\"":"\\","c" : "x: \"y\""}`,
    '{"__proto__":{"a":1}}',
    '[null,false,"a:b",["c"]]',
    '"a"'
  ])('%s is what everybody reads', text => {
    expect(parseUnambiguousJson(text)).toEqual(JSON.parse(text))
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":[{"c":{"d":1,"d":2}}]}',
    String.raw`{"a":1,"\u0061":2}`,
    '{"a":1, "a" : 2}',
    '{"__proto__":1,"__proto__":2}',
    '{'
  ])('%s is refused', text => {
    expect(() => parseUnambiguousJson(text)).toThrow(SyntaxError)
  })
})
