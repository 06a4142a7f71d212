import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatCheckpoint } from '../../../src/transparency/format-checkpoint.ts'
import { formatVerifierKey } from '../../../src/transparency/note/verifier-key.ts'
import { proveConsistency, proveInclusion } from '../../../src/transparency/tile/proving.ts'
import { buildGoLog, type RunGo } from '../../support/go-log/go-log.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { entriesOf } from '../naive-tree.ts'
import { createKey, signedCheckpoint } from '../signing.ts'
import { createLog } from './log-in-memory.ts'

const origin = 'log.example/of-tiles'
const sizes = [1, 255, 256, 257, 700, 1_024, 66_000]

interface Reading {
  readonly Size: number
  readonly Entries: readonly string[]
  /** An index, or an earlier size, and below it the hashes. */
  readonly Inclusion: readonly string[]
  readonly Consistency: readonly string[]
}

/** As Go prints it. */
function parseProof(text: string): readonly [at: number, proof: readonly string[]] {
  const [at, ...proof] = text.trimEnd().split('\n')
  return [Number(at), proof]
}

describe('a log of our tiles', needs('go'), () => {
  const entries = entriesOf(sizes.at(-1)!)
  const log = createLog()
  const key = createKey(origin)
  let temporary: TemporaryDirectory
  let runGo: RunGo
  const path = (name: string) => join(temporary.path, name)
  const logKey = formatVerifierKey(key.verifierKey)
  const read = (earlier: readonly number[]) => {
    const checkpoints = earlier.map(size => path(`checkpoint-${size}`))
    return JSON.parse(runGo(['read', temporary.path, logKey, ...checkpoints])) as Reading
  }

  beforeAll(async () => {
    temporary = await createTemporaryDirectory()
    runGo = buildGoLog(temporary.path)
  })
  afterAll(() => temporary.remove())

  async function publish(size: number): Promise<void> {
    log.append(entries.slice(log.range.size, size))
    for (const [name, octets] of log.files()) {
      await mkdir(dirname(path(name)), { recursive: true })
      await writeFile(path(name), octets)
    }
    const text = formatCheckpoint({ origin, size, root: log.range.root() })
    const note = signedCheckpoint(text, [key])
    await writeFile(path('checkpoint'), note)
    await writeFile(path(`checkpoint-${size}`), note)
  }

  it('is read by golang.org/x/mod/sumdb as it grows, and both make the same proofs', async () => {
    for (const [at, size] of sizes.entries()) {
      await publish(size)
      const reading = read(sizes.slice(0, at))
      expect(reading.Size).toBe(size)
      expect(reading.Entries).toEqual(
        entries.slice(0, size).map(entry => Buffer.from(entry).toString('base64'))
      )
      for (const [index, proof] of reading.Inclusion.map(parseProof))
        expect((await proveInclusion(log, index, size)).map(hash => hash.toBase64())).toEqual(proof)
      for (const [from, proof] of (reading.Consistency ?? []).map(parseProof))
        expect((await proveConsistency(log, from, size)).map(hash => hash.toBase64())).toEqual(proof)
    }
  })

  it.each([
    ['a hash of a leaf', 'tile/0/001'],
    ['a hash of a tile', 'tile/1/000'],
    ['a partial tile', 'tile/0/257.p/208'],
    ['an entry', 'tile/entries/003']
  ])('with %s that was changed is not taken', async (_, name) => {
    const octets = await readFile(path(name))
    await writeFile(path(name), octets.with(40, octets[40]! ^ 1))
    expect(() => read([])).toThrow()
    await writeFile(path(name), octets)
    expect(read([sizes[0]!]).Size).toBe(66_000)
  })
})
