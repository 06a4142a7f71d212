import { describe, expect, it } from 'vitest'
import { findLookalike } from '../../../src/pki/name/lookalike.ts'

// Written as escapes where a reader could not tell.
const found = {
  'a Cyrillic letter among Latin ones': 'A\u0421ME',
  'a Greek letter among Latin ones': 'SN\u039f1',
  'an Armenian letter among Latin ones': 'devi\u0585e',
  'a Cherokee letter among Latin ones': 'SN\u13aa1',
  'a Lisu letter among Latin ones': 'SN\ua4d01',
  'a Coptic letter among Latin ones': 'SN\u2c9e1',
  'a word of Cyrillic twins': '\u0405\u041d-0001',
  'a word of Cyrillic twins with digits': 'SN-\u041e\u041e1',
  'a word of Greek twins': '\u039d\u039f 7',
  'a word of Cherokee letters': '\u13a0\u13a1',
  'a fullwidth letter': '\uff33N-1',
  'a fullwidth digit': 'SN-\uff11',
  'a mathematical letter': 'SN-\u{1d7cf}',
  'a Roman numeral': '\u2160-7',
  'the Kelvin sign': 'SN-\u212a',
  'an en dash': 'SN\u20131',
  'a hyphen of Unicode': 'SN\u20101',
  'a minus sign': 'SN\u22121',
  'a fullwidth hyphen': 'SN\uff0d1'
}

const none = [
  '',
  'SN-0001',
  'SN-O001',
  'SN-l001',
  'device_1:7',
  'Müller Gerätebau GmbH',
  'Łódź',
  'Şişli İstanbul ısı',
  '東京都 7号',
  '\u0417\u0430\u0432\u043e\u0434 7',
  '\u0413\u0430\u0437\u043f\u0440\u043e\u043c Germania',
  '\u0395\u03bb\u03bb\u03ac\u03b4\u03b1',
  '공장 A7',
  'مصنع'
]

describe('what looks like ASCII and is not', () => {
  it.each(Object.entries(found))('%s is found', (_, value) => {
    expect(findLookalike(value)).toMatch(/U\+[0-9A-F]{4}|look like/)
  })

  it.each(none)('%j has none', value => {
    expect(findLookalike(value)).toBeUndefined()
  })

  it('takes no two ASCII characters for one another', () => {
    for (let code = 0x20; code < 0x7f; code++) {
      expect(findLookalike(String.fromCharCode(code).repeat(3))).toBeUndefined()
    }
  })
})
