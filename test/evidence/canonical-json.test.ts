import { expect, it } from 'vitest'
import { canonicalJson } from '../../src/evidence/canonical-json.ts'

it.each([
  // RFC 8785 §3.2.2 and §3.2.3.
  [
    {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false]
    },
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
  ],
  [
    {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew',
      '1': 'One',
      '\ud83d\ude00': 'Emoji',
      '\u0080': 'Control',
      '\u00f6': 'o'
    },
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"o","€":"Euro Sign","😀":"Emoji","\ufb33":"Hebrew"}'
  ],
  [{ 10: 'a', 9: 'b' }, '{"10":"a","9":"b"}'],
  [-0, '0'],
  [{ dropped: undefined, at: new Date(0), none: NaN }, '{"at":"1970-01-01T00:00:00.000Z","none":null}'],
  ['\ud800', '"\\ud800"']
])('%j is written in one way', (value, text) => {
  expect(canonicalJson(value)).toBe(text)
})

it('has a member of any name', () => {
  expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}')
})

it('has nothing for what is no JSON', () => {
  expect(() => canonicalJson(undefined)).toThrow(TypeError)
})
