import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkWeakKeyLists, loadWeakKeys } from '../../../src/factory/weak-keys/weak-keys.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { refusalOf } from '../../pki/refusal.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { needs } from '../../support/needs/needs.ts'
import { silentLog } from '../../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'

let directory: TemporaryDirectory
beforeAll(async () => {
  directory = await createTemporaryDirectory()
})
afterAll(() => directory.remove())

const fixture = (name: string) => new URL(`../../fixtures/weak-keys/${name}.pem`, import.meta.url).pathname
const requestIn = (name: string) =>
  parseCertificationRequest(decodeCertificationRequest(readFileSync(fixture(name))))
const listed = requestIn('shared-prime-1')
const other = requestIn('shared-prime-2')
const elliptic = parseCertificationRequest(makeCertificationRequest({ CommonName: 'ec' }))
const sha256Of = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')

let lists = 0
function write(content: string): string {
  const path = join(directory.path, `list-${++lists}`)
  writeFileSync(path, content)
  return path
}

async function load(...contents: string[]) {
  const weakKeys = await loadWeakKeys({ files: contents.map(write), log: silentLog, intervalMs: 10 })
  return async (request: typeof listed) => {
    const error = await refusalOf(() => weakKeys.assertUnlisted(request))
    return error && [error.code, error.members['weaknesses']]
  }
}

const refused = ['key_refused', ['known-weak']]

describe('a list as of openssl-blacklist', needs('openssl'), () => {
  /** As openssl-vulnkey works it out, by the tool that it runs. */
  function blacklistLine(name: string): string {
    const modulus = execFileSync('openssl', ['req', '-in', fixture(name), '-noout', '-modulus'])
    return createHash('sha1').update(modulus).digest('hex').slice(20)
  }

  it('refuses the keys that it lists, and no others', async () => {
    const refusalBy = await load(`# RSA-2048, by openssl-vulnkey\n\n${blacklistLine('shared-prime-1')}\n`)
    expect(await refusalBy(listed)).toEqual(refused)
    expect(await refusalBy(other)).toBeUndefined()
    expect(await refusalBy(elliptic)).toBeUndefined()
  })

  it('may be in upper case, with line ends of Windows and without the last one', async () => {
    const line = blacklistLine('shared-prime-1').toUpperCase()
    expect(await (await load(`${'0'.repeat(20)}\r\n${line}`))(listed)).toEqual(refused)
  })
})

describe('a list of SPKI digests', () => {
  it('refuses keys of any kind', async () => {
    const refusalBy = await load(`${sha256Of(elliptic.spkiDer)}\n`, `${sha256Of(listed.spkiDer)}\n`)
    expect(await refusalBy(elliptic)).toEqual(refused)
    expect(await refusalBy(listed)).toEqual(refused)
    expect(await refusalBy(other)).toBeUndefined()
  })
})

const good = 'ab'.repeat(10)
describe('a list that cannot be read', () => {
  it.each([
    ['a digit too few', `${good}\n${good.slice(1)}\n`, ':2: '],
    ['a digit too many', `${good}0\n`, ':1: '],
    ['another digest, as of openssh-blacklist with its size', `#\n\n2048 ${good}\n`, ':3: '],
    ['no hexadecimal digit', `${'g'.repeat(64)}\n`, ':1: '],
    ['NUL octets', `${good}\n${'\0'.repeat(100)}`, ':2: '],
    ['no line end for ever', 'a'.repeat(1_000_000), ':1: ']
  ])('with %s names file and line', async (_, content, place) => {
    const file = write(content)
    const error = await refusalOf(() => loadWeakKeys({ files: [write(`${good}\n`), file], log: silentLog }))
    expect(error?.code).toBe('config_invalid')
    expect(error?.violations).toMatchObject([
      { pointer: 'MINTLINE_WEAK_KEYS_FILES', found: expect.stringContaining(file + place) as string }
    ])
    expect(error?.violations[0]?.found.length).toBeLessThan(300)
    expect(await checkWeakKeyLists([file])).toMatchObject([{ pointer: 'MINTLINE_WEAK_KEYS_FILES' }])
  })

  it.each([['nowhere'], ['.']])('since it is %s', async name => {
    const error = await refusalOf(() => loadWeakKeys({ files: [join(directory.path, name)], log: silentLog }))
    expect(error?.code).toBe('config_invalid')
  })

  it('may have comments of any length', async () => {
    expect(await checkWeakKeyLists([write(`#${'x'.repeat(300_000)}\n${good}\n`)])).toEqual([])
  })
})

describe('lists that change', () => {
  it('are taken up; a bad one is told once, and what was read before stays', async () => {
    const told: object[] = []
    const log = { info: () => undefined, error: (fields: object) => void told.push(fields) }
    const file = write('')
    const weakKeys = await loadWeakKeys({ files: [file], log, intervalMs: 10 })
    const isRefused = async () => (await refusalOf(() => weakKeys.assertUnlisted(listed))) !== undefined
    try {
      expect(await isRefused()).toBe(false)
      writeFileSync(file, `${sha256Of(listed.spkiDer)}\n`)
      await vi.waitFor(async () => expect(await isRefused()).toBe(true), 5_000)
      writeFileSync(file, 'nonsense\n')
      await vi.waitFor(() => expect(told).toHaveLength(1), 5_000)
      expect(told).toMatchObject([{ reason: { found: expect.stringContaining(`${file}:1: `) as string } }])
      await new Promise(resolve => setTimeout(resolve, 100))
      expect([await isRefused(), told.length]).toEqual([true, 1])
      writeFileSync(file, `${good}\n${good}\n`)
      await vi.waitFor(async () => expect(await isRefused()).toBe(false), 5_000)
    } finally {
      weakKeys.stop()
    }
  })
})

describe('the lists together', () => {
  it('of a size as Debian has them are read without holding anybody up, and tell each key', async () => {
    const count = 400_000
    const digests = Array.from({ length: count }, (_, i) => sha256Of(Buffer.from(String(i))).slice(44))
    const file = write(digests.join('\n'))
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const cpuMs = await measureCpu(async () => {
      const weakKeys = await loadWeakKeys({ files: [file], log: silentLog })
      weakKeys.stop()
    })
    clearInterval(timer)
    expectWithin(cpuMs, 2_000)
    // Of each piece of the file, others have their turn.
    expect(turns).toBeGreaterThan(50)
  })

  it('of more than a million keys are refused', async () => {
    // They differ at their end alone: no digests, and the look-up is none the slower.
    const lines = Array.from({ length: 1_000_001 }, (_, i) => i.toString(16).padStart(20, '0'))
    expect(await checkWeakKeyLists([write(lines.join('\n'))])).toMatchObject([
      { expected: expect.stringContaining('1000000') as string }
    ])
  })
})
