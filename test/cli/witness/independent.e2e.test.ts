import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatVerifierKey } from '../../../src/transparency/note/verifier-key.ts'
import { buildGoLog, type RunGo } from '../../support/go-log/go-log.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { runMintline } from '../mintline.ts'
import { makeWitness, startWitness } from './process.ts'

const origin = 'log.example/of-go'
const sizes = [1, 2, 255, 256, 257, 700]

interface GoLog {
  readonly VerifierKey: string
  readonly Asked: readonly string[]
  readonly Receipts: readonly { readonly Entry: string; readonly Text: string }[]
}

describe('a log by golang.org/x/mod/sumdb', needs('go'), () => {
  let temporary: TemporaryDirectory
  let log: GoLog
  const path = (name: string) => join(temporary.path, name)
  let runGo: RunGo

  beforeAll(async () => {
    temporary = await createTemporaryDirectory()
    runGo = buildGoLog(temporary.path)
    log = JSON.parse(runGo(['log', origin, ...sizes.map(String)])) as GoLog
  })
  afterAll(() => temporary.remove())

  it('is cosigned as it grows, and Go takes the cosignatures', async () => {
    const made = await makeWitness(temporary.path, 'w')
    await writeFile(made.logsFile, `${log.VerifierKey}\n`)
    const witnessKey = formatVerifierKey(made.verifierKeys[0]!)
    const witness = await startWitness(made)
    try {
      for (const body of log.Asked) {
        const [status, , lines] = await witness.ask(body)
        expect(status).toBe(200)
        const note = body.slice(body.indexOf('\n\n') + 2) + lines
        const verify = (text: string) => runGo(['verify', log.VerifierKey, witnessKey], text)
        expect(verify(note)).toBe(`${origin}\nwitness.example/w\n`)
        expect(() => verify(note.replace(origin, `${origin}s`))).toThrow('invalid signature')
      }
    } finally {
      await witness.end('SIGTERM')
    }
  })

  it('gives receipts that are taken, each of its entry alone', async () => {
    await writeFile(path('logs'), `${log.VerifierKey}\n`)
    expect(log.Receipts).toHaveLength(3 * sizes.length)
    for (const { Entry, Text } of log.Receipts.slice(-6)) {
      await writeFile(path('receipt'), Text)
      await writeFile(path('entry'), Entry)
      const verify = () =>
        runMintline(['verify', 'receipt', path('receipt'), '--entry', path('entry'), '--logs', path('logs')])
      expect((await verify()).exitCode).toBe(0)
      await writeFile(path('entry'), `${Entry}s`)
      expect((await verify()).exitCode).toBe(1)
    }
  })
})
