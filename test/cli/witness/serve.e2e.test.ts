import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readCheckpoint } from '../../../src/transparency/checkpoint.ts'
import { parseSignedNote } from '../../../src/transparency/note/signed-note.ts'
import { verifyCheckpoint } from '../../../src/transparency/note/verification.ts'
import { needs } from '../../support/needs/needs.ts'
import { builtChild } from '../../support/program/program.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { entriesOf } from '../../transparency/naive-tree.ts'
import { addCheckpointBody, checkpointText, createKey, signedCheckpoint } from '../../transparency/signing.ts'
import { codeOf, runMintline } from '../mintline.ts'
import { type MadeWitness, makeWitness, startWitness, type WitnessProcess } from './process.ts'

const entries = entriesOf(300)
let temporary: TemporaryDirectory
let made: MadeWitness
let count = 0
const running: WitnessProcess[] = []

beforeAll(async () => {
  temporary = await createTemporaryDirectory()
})
afterAll(() => temporary.remove())
afterEach(async () => {
  for (const witness of running.splice(0)) await witness.end('SIGKILL')
})

const makeAnother = () => makeWitness(temporary.path, `w${++count}`)

async function start(of: MadeWitness, flags: readonly string[] = []): Promise<WitnessProcess> {
  const witness = await startWitness(of, flags)
  running.push(witness)
  return witness
}

const grown = (oldSize: number, size: number) => addCheckpointBody(made.log, oldSize, entries.slice(0, size))

async function sizeOnDisk(): Promise<number> {
  const { checkpoints } = JSON.parse(await readFile(made.stateFile, 'utf8')) as { checkpoints: string[] }
  return checkpoints.length === 0 ? 0 : readCheckpoint(parseSignedNote(checkpoints[0]!)).size
}

describe('mintline witness serve', () => {
  it('cosigns a log as it grows, for all who have its keys', async () => {
    made = await makeAnother()
    const witness = await start(made)
    for (const [oldSize, size] of [
      [0, 1],
      [1, 256],
      [256, 257],
      [257, 300]
    ] as const) {
      const [status, type, body] = await witness.ask(grown(oldSize, size))
      expect([status, type]).toEqual([200, 'text/plain; charset=utf-8'])
      const note = signedCheckpoint(checkpointText(made.log.verifierKey.name, entries.slice(0, size)), [
        made.log
      ])
      const verdicts = await verifyCheckpoint(readCheckpoint(parseSignedNote(note + body)), made.verifierKeys)
      expect(verdicts.map(({ key, isValid }) => [key.type, isValid])).toEqual([
        ['cosignature', true],
        ['postQuantumCosignature', true]
      ])
      for (const { time } of verdicts) expect(Math.abs(time! - Date.now() / 1_000)).toBeLessThan(60)
    }
    expect(await witness.end('SIGTERM')).toBe(0)
  })

  it('refuses a rollback and a fork, also after a restart', async () => {
    made = await makeAnother()
    const first = await start(made)
    expect((await first.ask(grown(0, 100)))[0]).toBe(200)
    await first.end('SIGKILL')
    const second = await start(made)
    const { log } = made
    const fork = [...entries.slice(0, 99), Buffer.from('another')]
    expect(await second.ask(grown(0, 50))).toEqual([409, 'text/x.tlog.size', '100\n'])
    expect((await second.ask(addCheckpointBody(log, 50, entries.slice(0, 50))))[0]).toBe(409)
    expect((await second.ask(addCheckpointBody(log, 100, fork)))[0]).toBe(409)
    expect((await second.ask(addCheckpointBody(log, 100, [...fork, ...fork])))[0]).toBe(422)
    expect((await second.ask(grown(100, 120)))[0]).toBe(200)
    expect(second.output()).toContain('it has forked')
  })

  it('knows no other log, and no other key of the log', async () => {
    made = await makeAnother()
    const witness = await start(made)
    const other = createKey('other.example')
    const namesake = createKey(made.log.verifierKey.name)
    expect((await witness.ask(addCheckpointBody(other, 0, entries.slice(0, 3))))[0]).toBe(404)
    expect((await witness.ask(addCheckpointBody(namesake, 0, entries.slice(0, 3))))[0]).toBe(403)
    expect(await sizeOnDisk()).toBe(0)
  })

  it('is alone on its state: another process ends at once', async () => {
    made = await makeAnother()
    const witness = await start(made)
    const second = await runMintline([
      'witness',
      'serve',
      made.directory,
      '--logs',
      made.logsFile,
      '--port',
      '0'
    ])
    expect([codeOf(second), second.exitCode]).toEqual(['data_directory_unusable', 1])
    expect((await witness.ask(grown(0, 3)))[0]).toBe(200)
  })

  it.each([
    ['before', 0],
    ['after', 80]
  ] as const)('that is killed %s it has kept a checkpoint goes on from %i entries', async (when, size) => {
    made = await makeAnother()
    const child = spawn(process.execPath, [
      builtChild(new URL('crash-child.ts', import.meta.url)),
      made.directory,
      made.logsFile,
      when
    ])
    child.stdin.end(grown(0, 80))
    const [answered] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect([child.signalCode, answered]).toEqual(['SIGKILL', ''])
    const witness = await start(made)
    expect((await witness.ask(grown(200, 210))).slice(1)).toEqual(['text/x.tlog.size', `${size}\n`])
    expect((await witness.ask(grown(size, 90)))[0]).toBe(200)
  })

  it('has never forgotten what it answered, however often it is killed', async () => {
    made = await makeAnother()
    let size = 0
    for (let round = 0; round < 6; round++) {
      const witness = await start(made)
      const kill = new Promise<void>(resolve => setTimeout(resolve, 20 + 25 * round)).then(() =>
        witness.end('SIGKILL')
      )
      while (size < entries.length) {
        const answer = await witness.ask(grown(size, size + 1)).catch(() => undefined)
        if (answer === undefined) break
        // It may have kept one that it did not come to answer.
        if (answer[0] === 409) expect(answer[2]).toBe(`${size + 1}\n`)
        else expect(answer[0]).toBe(200)
        size++
      }
      await kill
      expect([size, size + 1]).toContain(await sizeOnDisk())
    }
    expect(size).toBeGreaterThan(0)
  })

  it('is not held up by clients that send nothing, or half of it, or without end', async () => {
    made = await makeAnother()
    const witness = await start(made)
    const { port } = new URL(witness.url)
    const silent = ['', 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold 0'].map(
      sent => {
        const socket = connect(Number(port), '127.0.0.1')
        socket.write(sent)
        return socket
      }
    )
    expect((await witness.ask(grown(0, 3)))[0]).toBe(200)
    expect((await witness.ask(Buffer.alloc(65_537)))[0]).toBe(413)
    const endless = new ReadableStream({ pull: stream => stream.enqueue(Buffer.alloc(10_000, 10)) })
    const answer = await fetch(`${witness.url}/add-checkpoint`, {
      method: 'POST',
      body: endless,
      duplex: 'half'
    })
      .then(({ status }) => status)
      .catch(() => 'cut off')
    expect([413, 'cut off']).toContain(answer)
    expect((await witness.ask(grown(3, 4)))[0]).toBe(200)
    for (const socket of silent) {
      socket.on('error', () => undefined).resume()
      if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(30_000) })
    }
  })

  it('answers nothing but its two paths', async () => {
    made = await makeAnother()
    const { url } = await start(made)
    const ask = async (path: string, method: string) => {
      const { status, headers } = await fetch(url + path, { method })
      return [status, headers.get('allow')]
    }
    expect(await ask('/healthz', 'GET')).toEqual([200, null])
    expect(await ask('/healthz', 'HEAD')).toEqual([200, null])
    expect(await ask('/healthz', 'POST')).toEqual([405, 'GET, HEAD'])
    expect(await ask('/add-checkpoint', 'GET')).toEqual([405, 'POST'])
    expect(await ask('/state.json', 'GET')).toEqual([404, null])
  })

  it('speaks TLS with the pair that it is given', async () => {
    made = await makeAnother()
    const folder = join(temporary.path, 'tls')
    expect((await runMintline(['tls', 'init', '--out', folder])).exitCode).toBe(0)
    const [certificate, key] = [join(folder, 'server.cert.pem'), join(folder, 'server.key.pem')]
    const { url } = await start(made, ['--tls-cert', certificate, '--tls-key', key])
    expect(url).toMatch(/^https:/)
    const ca = await readFile(join(folder, 'ca.cert.pem'))
    const request = requestOverTls(`${url}/add-checkpoint`, { ca, method: 'POST' })
    request.end(grown(0, 7))
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    expect([answer.statusCode, (await text(answer)).startsWith('— witness.example/')]).toEqual([200, true])
  })

  it('makes signatures that OpenSSL verifies', needs('openssl'), async () => {
    made = await makeAnother()
    const witness = await start(made)
    const [, , body] = await witness.ask(grown(0, 20))
    const [, base64 = ''] = /^— \S+ (\S+)$/m.exec(body) ?? []
    const octets = Buffer.from(base64, 'base64').subarray(4)
    const path = (name: string) => join(made.directory, name)
    const note = checkpointText(made.log.verifierKey.name, entries.slice(0, 20))
    await writeFile(path('message'), `cosignature/v1\ntime ${octets.readBigUInt64BE(0)}\n${note}`)
    await writeFile(path('signature'), octets.subarray(8))
    const args = [
      '-verify',
      '-rawin',
      '-inkey',
      path('ed25519.key.pem'),
      '-in',
      path('message'),
      '-sigfile',
      path('signature')
    ]
    expect(execFileSync('openssl', ['pkeyutl', ...args], { encoding: 'utf8' })).toContain(
      'Verified Successfully'
    )
  })
})

describe('mintline witness serve does not start', () => {
  const serve = (of: MadeWitness, ...flags: readonly string[]) =>
    runMintline(['witness', 'serve', of.directory, '--logs', of.logsFile, '--port', '0', ...flags])

  it.each([
    ['a state that was changed', 'data_directory_unusable', () => writeFile(made.stateFile, '{}')],
    [
      'a key that others can read',
      'config_invalid',
      () => chmod(join(made.directory, 'ed25519.key.pem'), 0o644)
    ],
    [
      'the key of another witness',
      'key_unusable',
      async () =>
        copyFile(
          join((await makeAnother()).directory, 'ml-dsa-44.key.pem'),
          join(made.directory, 'ml-dsa-44.key.pem')
        )
    ],
    [
      'something else than a key',
      'key_unusable',
      () => writeFile(join(made.directory, 'ed25519.key.pem'), 'none')
    ],
    ['a list that names no log', 'config_invalid', () => writeFile(made.logsFile, '\n')],
    ['a log without a key', 'note_malformed', () => writeFile(made.logsFile, 'log.example\n')]
  ] as const)('with %s', async (_, code, spoil) => {
    const mine = await makeAnother()
    made = mine
    await spoil()
    const ended = await serve(mine)
    expect([codeOf(ended), ended.exitCode]).toEqual([code, 1])
  })

  it('without its state, which is not made anew', async () => {
    made = await makeAnother()
    await rm(made.stateFile)
    expect((await serve(made)).exitCode).toBe(2)
    await expect(readFile(made.stateFile)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each([
    ['half a pair', ['--tls-cert', 'file']],
    ['a name', ['--name', 'another']],
    ['a port that is none', ['--port', '65536']],
    ['an unknown flag', ['--unknown']]
  ] as const)('with %s', async (_, flags) => {
    made = await makeAnother()
    expect((await serve(made, ...flags)).exitCode).toBe(2)
  })
})

describe('mintline witness init', () => {
  it('overwrites nothing', async () => {
    made = await makeAnother()
    const key = await readFile(join(made.directory, 'ed25519.key.pem'))
    const ended = await runMintline(['witness', 'init', made.directory, '--name', 'another'])
    expect(ended.exitCode).toBe(1)
    expect(await readFile(join(made.directory, 'ed25519.key.pem'))).toEqual(key)
  })

  it.each([[['--name', 'with space']], [['--name', 'a+b']], [['--name', 'n'.repeat(256)]], [[]]])(
    'takes no name like %j',
    async flags => {
      const ended = await runMintline(['witness', 'init', join(temporary.path, 'none'), ...flags])
      expect(ended.exitCode).toBe(2)
    }
  )
})
