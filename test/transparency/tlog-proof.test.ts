import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/pki/der/octets.ts'
import { formatTlogProof } from '../../src/transparency/format-tlog-proof.ts'
import { parseTlogProof } from '../../src/transparency/tlog-proof.ts'
import { entriesOf } from './naive-tree.ts'
import { makeReceipt } from './receiving.ts'
import { refusalOf } from './refusal.ts'
import { createKey } from './signing.ts'

const log = createKey('log.example')
const receipt = makeReceipt({ origin: 'log.example', entries: entriesOf(20), index: 7, keys: [log] })
const parse = (text: string) => parseTlogProof(encodeUtf8(text))
const hash = `${new Uint8Array(32).toBase64()}\n`

describe('a tlog-proof', () => {
  it('is read, with extra data and without', () => {
    const plain = parse(receipt)
    expect(plain).toMatchObject({ index: 7, checkpoint: { origin: 'log.example', size: 20 } })
    expect(plain.proof).toHaveLength(5)
    const withExtra = parse(receipt.replace('index', 'extra AAEC\nindex'))
    expect(withExtra).toEqual({ ...plain, extra: Uint8Array.of(0, 1, 2) })
  })

  it('is written as it was read', () => {
    for (const text of [receipt, receipt.replace('index', 'extra AAEC\nindex')])
      expect(formatTlogProof(parse(text))).toBe(text)
  })

  it('of the only entry has no hash', () => {
    const only = makeReceipt({ origin: 'log.example', entries: entriesOf(1), index: 0, keys: [log] })
    expect(parse(only).proof).toEqual([])
  })

  it.each([
    ['another version', receipt.replace('@v1', '@v2'), 'line 1'],
    ['extra data that are none', receipt.replace('index', 'extra AAE\nindex'), 'line 2'],
    ['extra data twice', receipt.replace('index', 'extra AAEC\nextra AAEC\nindex'), 'line 3'],
    ['no index', receipt.replace(/index .*\n/, ''), 'line 2'],
    ['an index with a sign', receipt.replace('index ', 'index +'), 'line 2'],
    ['an index of 2^53', receipt.replace('index 7', `index ${2 ** 53}`), 'line 2'],
    ['64 hashes', receipt.replace('index 7\n', `index 7\n${hash.repeat(59)}`), 'line 66'],
    ['a hash that is cut off', receipt.replace(/=\n/, '\n'), 'line 3'],
    ['no checkpoint', receipt.slice(0, receipt.indexOf('\n\n') + 2), 'line 9'],
    ['no signature', receipt.slice(0, receipt.lastIndexOf('—')), 'line 13']
  ])('with %s is refused', (_, text, line) => {
    expect(refusalOf(() => parse(text)).line).toBe(line)
  })
})
