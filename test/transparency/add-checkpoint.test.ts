import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/pki/der/octets.ts'
import { parseAddCheckpoint } from '../../src/transparency/add-checkpoint.ts'
import { entriesOf } from './naive-tree.ts'
import { refusalOf } from './refusal.ts'
import { addCheckpointBody, createKey } from './signing.ts'

/** The example of c2sp.org/tlog-witness (CC BY 4.0). */
const published = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`
const parse = (text: string) => parseAddCheckpoint(encodeUtf8(text))

describe('a request to a witness', () => {
  it('is read as it was published', () => {
    const { oldSize, proof, checkpoint } = parse(published)
    expect([oldSize, proof.length]).toEqual([20_852_014, 4])
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 })
    expect(checkpoint.note.signatures.map(({ keyIdHex }) => keyIdHex)).toEqual(['033de0ae', 'a292ea05'])
  })

  const hash = `${new Uint8Array(32).toBase64()}\n`
  it.each([
    ['no old size', published.replace(/^old .*\n/, ''), 'line 1'],
    ['an old size with a leading zero', published.replace('old ', 'old 0'), 'line 1'],
    ['an old size below zero', published.replace('old ', 'old -'), 'line 1'],
    ['an old size of 2^53', published.replace('20852014', String(2 ** 53)), 'line 1'],
    ['a hash of 31 octets', published.replace(/jrJZ.*/, new Uint8Array(31).toBase64()), 'line 3'],
    ['64 hashes', published.replace('\n', `\n${hash.repeat(60)}`), 'line 65'],
    ['no empty line', published.replace('\n\n', '\n'), 'line 6'],
    ['an end in the proof', `old 1\n${hash}`, 'line 3'],
    ['no origin', published.replace('example.com/behind-the-sofa\n2', '\n2'), 'line 7'],
    ['a size in hexadecimal', published.replace('20852163', '0x13e2dc3'), 'line 8'],
    ['a root that is none', published.replace('CsUY', 'CsU'), 'line 9'],
    ['an extension line that is empty', published.replace('q2I=\n\n', 'q2I=\n\nmore\n\n'), 'line 10'],
    ['no signature', published.replace(/— .*\n/g, ''), 'line 11']
  ])('with %s is refused', (_, text, line) => {
    expect(refusalOf(() => parse(text)).line).toBe(line)
  })

  it('may have 63 hashes and extension lines', () => {
    const text = published.replace('\n', `\n${hash.repeat(59)}`).replace('q2I=\n', 'q2I=\nmore\n')
    expect(parse(text).proof).toHaveLength(63)
  })

  it('is read as a log makes it', () => {
    const entries = entriesOf(9)
    const { oldSize, checkpoint } = parse(addCheckpointBody(createKey('log.example'), 4, entries))
    expect([oldSize, checkpoint.size, checkpoint.origin]).toEqual([4, 9, 'log.example'])
  })
})
