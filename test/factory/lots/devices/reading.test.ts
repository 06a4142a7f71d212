import { describe, expect, it } from 'vitest'
import {
  type ListKind,
  ListReader,
  type ReaderState
} from '../../../../src/factory/lots/devices/reading/list-reader.ts'
import { StructureFault } from '../../../../src/factory/lots/devices/reading/record.ts'

/** As it is read in pieces of that size: `line: what`, and where it cannot be read on, `line! what was expected`. */
function read(kind: ListKind, list: string | Uint8Array, size = 7): readonly string[] {
  const bytes = Buffer.from(list)
  const reader = new ListReader(kind)
  const told: string[] = []
  const tell = (rows: ReturnType<ListReader['push']>) => {
    for (const read of rows)
      told.push(
        `${read.position}: ${'row' in read ? JSON.stringify(read.row) : read.faults.map(each => each.pointer + ' ' + each.expected).join()}`
      )
  }
  try {
    for (let at = 0; at < bytes.length; at += size) tell(reader.push(bytes.subarray(at, at + size)))
    tell(reader.end())
  } catch (error) {
    if (!(error instanceof StructureFault)) throw error
    told.push(`${error.position}! ${error.expected}`)
  }
  return told
}

const header = expect.stringMatching(/^1! a header with columns of thingName, /) as string

describe('CSV', () => {
  it.each<[string, string | Uint8Array, readonly unknown[]]>([
    ['as it is', 'thingName\na\nb\n', ['2: {"thingName":"a"}', '3: {"thingName":"b"}']],
    ['without a line feed at its end', 'thingName\na', ['2: {"thingName":"a"}']],
    ['with CRLF', 'thingName\r\na\r\n', ['2: {"thingName":"a"}']],
    ['with a BOM', '\ufeffthingName\na\n', ['2: {"thingName":"a"}']],
    [
      'with semicolons',
      'thingName;SerialNumber\na;1,2\n',
      ['2: {"thingName":"a","subject":{"SerialNumber":"1,2"}}']
    ],
    ['with blank lines', '\nthingName\n\n  \na\n', ['5: {"thingName":"a"}']],
    [
      'with empty values',
      'thingName,CommonName,SerialNumber\na,,x\n',
      ['2: {"thingName":"a","subject":{"SerialNumber":"x"}}']
    ],
    [
      'with quotes',
      'CommonName\n"say ""hi"", then\nbye"\nb\n',
      ['2: {"subject":{"CommonName":"say \\"hi\\", then\\nbye"}}', '4: {"subject":{"CommonName":"b"}}']
    ],
    ['with what a spreadsheet would run', 'CommonName\n=1+1\n', ['2: {"subject":{"CommonName":"=1+1"}}']],
    ['with other letters', 'CommonName\nGerät-ß-工場\n', ['2: {"subject":{"CommonName":"Gerät-ß-工場"}}']],
    [
      'with a key in capitals',
      `spkiSha256\n${'AB'.repeat(32)}\n`,
      [`2: {"spkiSha256":"${'ab'.repeat(32)}"}`]
    ],
    [
      'with a quote in the middle',
      'CommonName\n5" disk\nb\n',
      ['2:  a record of CSV', '3: {"subject":{"CommonName":"b"}}']
    ],
    ['with something behind a quote', 'CommonName\n"a"b\n', ['2:  a record of CSV']],
    ['with too many values', 'thingName\na,b\n', ['2:  1 values, as the header']],
    ['with a row of nothing', 'thingName,CommonName\n,\n', ['2:  thingName, subject or spkiSha256']],
    ['with NUL', 'thingName\na\0b\n', ['2: /thingName well-formed Unicode without the character U+0000']],
    [
      'with octets that are no UTF-8',
      Buffer.from('thingName\n\xff\xfe\nb\n', 'latin1'),
      ['2:  UTF-8', '3: {"thingName":"b"}']
    ],
    [
      'with a value that is too long',
      `thingName\n${'x'.repeat(129)}\n`,
      ['2: /thingName 1 to 128 characters']
    ],
    [
      'with a huge line',
      `thingName\n${'x'.repeat(100_000)}\nb\n`,
      ['2:  at most 4096 octets', '3: {"thingName":"b"}']
    ],
    [
      'with a quote that is not closed',
      `CommonName\n"a\n${'b\n'.repeat(3_000)}`,
      expect.arrayContaining(['2:  at most 4096 octets', '3001: {"subject":{"CommonName":"b"}}']) as never
    ],
    ['with another key than hex', 'spkiSha256\nxyz\n', ['2: /spkiSha256 64 hexadecimal digits']],
    ['with an unknown column', 'thingName,colour\na,red\n', [header]],
    ['with 200 columns', `${Array.from({ length: 200 }, (_, index) => `c${index}`).join()}\n`, [header]],
    ['with a column twice', 'thingName,thingName\na,b\n', [header]],
    ['with a header of 100 KB', `${'x'.repeat(100_000)}\n`, [header]],
    ['of UTF-16', Buffer.from('\ufeffthingName\na\n', 'utf16le'), ['1! UTF-8']],
    ['of nothing', '', []]
  ])('%s', (_name, list, expected) => {
    for (const size of [1, 7, 100_000]) expect(read('csv', list, size)).toEqual(expected)
  })
})

describe('NDJSON', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'as it is',
      '{"thingName":"a"}\n\n{"subject":{"CommonName":"b"}}',
      ['1: {"thingName":"a"}', '3: {"subject":{"CommonName":"b"}}']
    ],
    [
      'that is no JSON',
      '{"thingName":\n{"thingName":"b"}\n',
      ['1:  one JSON object', '2: {"thingName":"b"}']
    ],
    ['with a member twice', '{"thingName":"a","thingName":"b"}\n', ['1:  one JSON object']],
    ['of other values', '1\nnull\n[]\n', ['1:  a JSON object', '2:  a JSON object', '3:  a JSON object']],
    [
      'with other members',
      '{"thingName":"a","state":"issued"}\n',
      ['1:  no members but thingName, subject, spkiSha256']
    ],
    [
      'with __proto__',
      '{"thingName":"a","__proto__":{"x":1}}\n',
      ['1:  no members but thingName, subject, spkiSha256']
    ],
    [
      'with another field',
      '{"subject":{"Colour":"red"}}\n',
      [
        '1: /subject no members but Country, Organization, OrganizationalUnit, DistinguishedNameQualifier, StateName, CommonName, SerialNumber, Locality,/subject at least one field'.split(
          ',/subject at'
        )[0]!
      ]
    ],
    [
      'with numbers',
      '{"thingName":7,"spkiSha256":8}\n',
      ['1: /thingName a text,/spkiSha256 64 hexadecimal digits']
    ],
    [
      'with half a surrogate pair',
      '{"thingName":"\\ud800"}\n',
      ['1: /thingName well-formed Unicode without the character U+0000']
    ]
  ])('%s', (_name, list, expected) => {
    for (const size of [1, 100_000]) expect(read('ndjson', list, size)).toEqual(expected)
  })
})

describe('a JSON array', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'as it is',
      ' [ {"thingName":"a"} ,{"subject":{"CommonName":"],\\"{"}}]\n',
      ['1: {"thingName":"a"}', '2: {"subject":{"CommonName":"],\\"{"}}']
    ],
    ['with a BOM', '\ufeff[{"thingName":"a"}]', ['1: {"thingName":"a"}']],
    ['that is empty', '[]', []],
    ['of other values', '[1,"a,b",[2]]', ['1:  a JSON object', '2:  a JSON object', '3:  a JSON object']],
    [
      'with a huge element',
      `[{"thingName":"${'x'.repeat(10_000)}"},{"thingName":"b"}]`,
      ['1:  at most 4096 octets', '2: {"thingName":"b"}']
    ],
    ['that is cut off', '[{"thingName":"a"},', ['1: {"thingName":"a"}', '2! a JSON array that ends with ]']],
    [
      'with a comma too many',
      '[{"thingName":"a"},]',
      ['1: {"thingName":"a"}', '2! a device between two commas']
    ],
    ['without a comma', '[{"thingName":"a"} {"thingName":"b"}]', ['1:  one JSON object']],
    ['with more behind it', '[{"thingName":"a"}] x', ['1: {"thingName":"a"}', '2! nothing behind the array']],
    ['that is an object', '{"thingName":"a"}', ['1! a JSON array']]
  ])('%s', (_name, list, expected) => {
    for (const size of [1, 100_000]) expect(read('json', list, size)).toEqual(expected)
  })
})

describe('a list that goes on', () => {
  const lists: Record<ListKind, string> = {
    csv: 'thingName,CommonName\r\na,"x\ny"\n\nb,2\nc,3',
    ndjson: '{"thingName":"a"}\n\n{"thingName":"b"}\n{"thingName":"c"}',
    json: '[{"thingName":"a"} , {"thingName":"b"},{"thingName":"c"}]'
  }

  it.each(Object.entries(lists) as [ListKind, string][])(
    'as %s, behind any row, is the same',
    (kind, list) => {
      const bytes = Buffer.from(list)
      const whole = new ListReader(kind)
      const rows = [...whole.push(bytes), ...whole.end()]
      expect(rows.length).toBe(3)
      for (const [index, { end, passed }] of rows.entries()) {
        const state: ReaderState = { offset: end, passed, header: whole.header }
        const rest = new ListReader(kind, state)
        expect([...rest.push(bytes.subarray(end)), ...rest.end()]).toEqual(rows.slice(index + 1))
      }
    }
  )
})
