import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTrialCertificates } from '../../src/cli/tls/trial-certificate.ts'
import { encodeCertificatePem } from '../../src/pki/pem/pem.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { PairWatch } from '../../src/tls/pair-watch.ts'
import { judgePair, type PairText, type ServerPair } from '../../src/tls/server-pair.ts'

const intervalMs = 5
const settings = { certificate: 'CERT', key: 'KEY' }
const start = new Date('2030-01-01T00:00:00Z')
const inDays = (days: number) => new Date(start.getTime() + days * 86_400_000)

async function makePair(days: number): Promise<PairText> {
  const request = { names: ['localhost'], notBefore: start, notAfter: inDays(days) }
  const made = await createTrialCertificates({ ...request, randomBytes: createRandomSource() })
  return {
    certificatePem: encodeCertificatePem(made.serverDer),
    keyPem: made.serverKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  }
}

let first: PairText
let second: PairText
let ended: PairText
beforeAll(async () => {
  first = await makePair(90)
  second = await makePair(90)
  ended = await makePair(1)
})

const watches: PairWatch[] = []
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop()
})

/** A watch over files that a test writes, and what it does. */
function watchFiles() {
  const files = { now: first as PairText | Error, at: inDays(2), looks: 0 }
  const lines: { readonly level: string; readonly fields: object }[] = []
  const level = (name: string) => (fields: object) => void lines.push({ level: name, fields })
  const clock = () => files.at
  const judge = (text: PairText) => judgePair(text, settings, clock())
  const watch = new PairWatch(judge(first).pair!, {
    source: {
      names: settings,
      async read() {
        files.looks++
        if (files.now instanceof Error) throw files.now
        return files.now
      },
      judge
    },
    log: { info: level('info'), warn: level('warn'), error: level('error') },
    clock,
    intervalMs
  })
  watches.push(watch)
  const taken: ServerPair[] = []
  watch.follow(pair => void taken.push(pair))
  return {
    files,
    watch,
    taken,
    levels: () => lines.map(line => line.level),
    /** Until it has looked so often. */
    async look(times: number) {
      const until = files.looks + times
      while (files.looks < until) await delay(1)
    }
  }
}

describe('the pair that is served', () => {
  it('is the new one once two looks agree', async () => {
    const { files, watch, taken, look, levels } = watchFiles()
    files.now = second
    await look(4)
    expect(taken.map(({ keyPem }) => keyPem)).toEqual([second.keyPem])
    expect(watch.current().certificatePem).toBe(second.certificatePem)
    expect(levels()).toEqual(['info'])
  })

  it('is never half of each, and a moment between the two files is not told', async () => {
    const { files, taken, look, levels } = watchFiles()
    files.now = { ...first, certificatePem: second.certificatePem }
    await look(1)
    files.now = second
    await look(4)
    expect(taken.map(({ keyPem }) => keyPem)).toEqual([second.keyPem])
    expect(levels()).toEqual(['info'])
  })

  it.each([
    ['do not belong together', () => ({ ...first, certificatePem: second.certificatePem })],
    ['cannot be read', () => Object.assign(new Error('gone'), { code: 'ENOENT', path: '/x' })],
    ['have ended', () => ended]
  ])('stays where the new files %s, which is told once; what follows is taken', async (_what, flawed) => {
    const { files, watch, taken, look, levels } = watchFiles()
    files.now = flawed()
    await look(8)
    expect(taken).toEqual([])
    expect(watch.current().keyPem).toBe(first.keyPem)
    expect(levels()).toEqual(['error'])
    expect(watch.examine().ok).toBe(false)
    files.now = second
    await look(4)
    expect(taken).toHaveLength(1)
    expect(watch.examine().ok).toBe(true)
  })

  it('is told of again when the same fault comes back after the old files were there', async () => {
    const { files, look, levels } = watchFiles()
    for (const now of [ended, first, ended]) {
      files.now = now
      await look(4)
    }
    expect(levels()).toEqual(['error', 'error'])
  })

  it('is warned of once a day while its end is near', async () => {
    const { files, watch, look, levels } = watchFiles()
    files.at = inDays(61)
    await look(4)
    expect(levels()).toEqual(['warn'])
    expect(watch.examine().ok).toBe(false)
    files.at = inDays(62.5)
    await look(4)
    expect(levels()).toEqual(['warn', 'warn'])
  })
})
