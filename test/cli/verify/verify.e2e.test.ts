import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatVerifierKey } from '../../../src/transparency/note/verifier-key.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { entriesOf } from '../../transparency/naive-tree.ts'
import { makeReceipt } from '../../transparency/receiving.ts'
import { createKey } from '../../transparency/signing.ts'
import { runMintline } from '../mintline.ts'

const entries = entriesOf(70)
const log = createKey('a-key')
const witness = createKey('w.example', 'cosignature')
const second = createKey('w2.example', 'postQuantumCosignature')
const origin = 'the log of line 7'
const time = 1_800_000_000
let temporary: TemporaryDirectory
const path = (name: string) => join(temporary.path, name)
const put = (name: string, text: string | Uint8Array) => writeFile(path(name), text)

beforeAll(async () => {
  temporary = await createTemporaryDirectory()
  const keys = [log, witness]
  await put('receipt', makeReceipt({ origin, entries, index: 64, keys, extra: 'AAEC', time }))
  await put('entry', entries[64]!)
  await put('other-entry', entries[65]!)
  await put('logs', `# ours\n${formatVerifierKey(log.verifierKey)} ${origin}\n`)
  await put(
    'other-logs',
    `${formatVerifierKey(createKey(origin.replaceAll(' ', '-')).verifierKey)} ${origin}\n`
  )
  await put('witness', `${formatVerifierKey(witness.verifierKey)}\n`)
  await put('witnesses', [witness, second].map(each => `${formatVerifierKey(each.verifierKey)}\n`).join(''))
  await put('none', '\n')
  await put('long', new Uint8Array(65_536))
})
afterAll(() => temporary.remove())

/** Words that are names of files get their paths. */
function verify(words: string) {
  const files = [
    'receipt',
    'entry',
    'other-entry',
    'logs',
    'other-logs',
    'witness',
    'witnesses',
    'none',
    'long'
  ]
  const args = words.split(' ').map((word, index) => (index > 0 && files.includes(word) ? path(word) : word))
  return runMintline(['verify', ...args])
}

describe('mintline verify receipt', () => {
  it('says what the receipt proves, and who has seen it', async () => {
    const ended = await verify('receipt receipt --entry entry --logs logs --witnesses witness')
    expect([ended.exitCode, ended.errors]).toEqual([0, ''])
    expect(ended.output).toBe(
      `${path('receipt')}: VALID: the log ${origin} has the entry at 64, of 70 entries\n` +
        '  cosigned by w.example at 2027-01-15T08:00:00.000Z\n'
    )
  })

  it('says the same to programs', async () => {
    const { output, exitCode } = await verify('receipt receipt --entry entry --logs logs --json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(output)).toMatchObject({
      valid: true,
      origin,
      index: 64,
      size: 70,
      witnesses: [],
      findings: []
    })
  })

  it.each([
    ['entry_not_included', '--entry other-entry --logs logs'],
    ['log_signature_missing', '--entry entry --logs other-logs'],
    ['quorum_missed', '--entry entry --logs logs --witnesses witnesses'],
    ['quorum_missed', '--entry entry --logs logs --witnesses witnesses --quorum 2']
  ])('finds %s with %s', async (code, flags) => {
    const { output, exitCode } = await verify(`receipt receipt ${flags} --json`)
    expect([
      exitCode,
      (JSON.parse(output) as { findings: { code: string }[] }).findings.map(each => each.code)
    ]).toEqual([1, [code]])
    expect((await verify(`receipt receipt ${flags}`)).output).toContain(`NOT VALID\n  ${code}: expected`)
  })

  it('takes fewer witnesses where that is said', async () => {
    const flags = '--entry entry --logs logs --witnesses witnesses --quorum 1'
    expect((await verify(`receipt receipt ${flags}`)).exitCode).toBe(0)
  })

  it.each([
    'receipt entry --entry entry --logs logs',
    'receipt receipt --entry entry --logs none',
    'receipt receipt --entry entry --logs entry',
    'receipt receipt --entry long --logs logs',
    'receipt receipt --entry missing --logs logs',
    'receipt receipt --entry entry --logs logs --witnesses none',
    'receipt receipt --entry entry --logs logs --witnesses logs',
    'receipt receipt --entry entry --logs logs --witnesses witness --quorum 2',
    'receipt receipt --entry entry --logs logs --quorum 1',
    'receipt receipt --logs logs',
    'receipt receipt --entry entry',
    'export receipt'
  ])('ends with 2 for what it cannot read: %s', async words => {
    const { exitCode, output, errors } = await verify(words)
    expect([exitCode, output, errors.includes('fault in Mintline')]).toEqual([2, '', false])
  })
})
