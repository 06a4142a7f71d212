import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/pki/der/octets.ts'
import { judgeReceipt, type ReceiptPolicy } from '../../src/transparency/receipt.ts'
import { parseTlogProof } from '../../src/transparency/tlog-proof.ts'
import { entriesOf } from './naive-tree.ts'
import { makeReceipt } from './receiving.ts'
import { createKey } from './signing.ts'

const entries = entriesOf(20)
const log = createKey('log.example')
const [w1, w1PostQuantum, w2] = [
  createKey('w1.example', 'cosignature'),
  createKey('w1.example', 'postQuantumCosignature'),
  createKey('w2.example', 'cosignature')
]
const time = 1_800_000_000
const making = { origin: 'log.example', entries, index: 7, keys: [log, w1, w1PostQuantum, w2], time }
const policy: ReceiptPolicy = {
  logs: new Map([['log.example', [log.verifierKey]]]),
  witnesses: [w1, w1PostQuantum, w2].map(({ verifierKey }) => verifierKey),
  quorum: 2
}

async function findingsOf(text: string, change: Partial<ReceiptPolicy> = {}, entry = entries[7]!) {
  const { findings } = await judgeReceipt(parseTlogProof(encodeUtf8(text)), entry, { ...policy, ...change })
  return findings.map(({ code }) => code)
}

describe('a receipt', () => {
  it('that is right has no finding, and tells who vouches for it', async () => {
    const verdict = await judgeReceipt(parseTlogProof(encodeUtf8(makeReceipt(making))), entries[7]!, policy)
    expect(verdict).toEqual({
      findings: [],
      logKeys: [log.verifierKey],
      witnesses: [
        { name: 'w1.example', time },
        { name: 'w2.example', time }
      ]
    })
  })

  it('of another entry proves nothing', async () => {
    expect(await findingsOf(makeReceipt(making), {}, entries[8])).toEqual(['entry_not_included'])
    expect(await findingsOf(makeReceipt(making).replace('index 7', 'index 6'))).toEqual([
      'entry_not_included'
    ])
  })

  it('of another log, or of another key of it, proves nothing', async () => {
    const other = createKey('log.example')
    expect(await findingsOf(makeReceipt({ ...making, origin: 'other.example' }))).toEqual(['log_unknown'])
    expect(await findingsOf(makeReceipt({ ...making, keys: [other, w1, w2] }))).toEqual([
      'log_signature_missing'
    ])
  })

  it('with a checkpoint that was changed is told for each signature', async () => {
    const changed = makeReceipt(making).replace('\n20\n', '\n21\n')
    expect(await findingsOf(changed)).toEqual([
      ...Array.from({ length: 4 }, () => 'signature_invalid'),
      'quorum_missed'
    ])
  })

  it('needs as many witnesses as are asked for, and counts each name once', async () => {
    const ofOne = makeReceipt({ ...making, keys: [log, w1, w1PostQuantum] })
    expect(await findingsOf(ofOne)).toEqual(['quorum_missed'])
    expect(await findingsOf(ofOne, { quorum: 1 })).toEqual([])
    expect(await findingsOf(makeReceipt({ ...making, keys: [log] }), { witnesses: [], quorum: 0 })).toEqual(
      []
    )
  })

  it('is not taken where a witness that counts has a wrong signature, whatever the quorum', async () => {
    const impostor = { ...w2, privateKey: createKey('w2.example', 'cosignature').privateKey }
    const text = makeReceipt({ ...making, keys: [log, w1, impostor] })
    expect(await findingsOf(text, { quorum: 1 })).toEqual(['signature_invalid'])
  })
})
