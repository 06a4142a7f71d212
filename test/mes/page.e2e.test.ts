import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { parseWebhookSecret } from '../../src/events/receiver/signature.ts'
import { createMes } from '../../src/mes/mes.ts'
import { parseMesFile } from '../../src/mes/mes-file.ts'
import { createRandomSource } from '../../src/sources/random-bytes.ts'
import { needs } from '../support/needs/needs.ts'
import { mesSecret } from './mes-server.ts'

const page = readFileSync('docs/mes.md', 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]+?)^\`\`\`$`, 'gm'))].map(([, block]) => block!)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

it('the file of docs/mes.md can be used', () => {
  const [file] = blocks('json')
  expect(parseMesFile(file!).violations).toEqual([])
})

describe('the server of docs/mes.md', needs('python3'), () => {
  it('lets what passed its tests be certified, and sends the rest back', async () => {
    await using stops = new AsyncDisposableStack()
    const port = await freePort()
    const [program] = blocks('python')
    const child = spawn('python3', ['-c', program!], {
      env: { PATH: process.env['PATH'], MES_SECRET: mesSecret, PORT: String(port) },
      stdio: 'ignore'
    })
    stops.defer(async () => {
      child.kill('SIGKILL')
      await once(child, 'close')
    })
    const open = (key: Uint8Array) =>
      createMes(
        {
          systems: new Map([
            ['plant', { url: `http://127.0.0.1:${port}/`, key, timeoutMs: 5_000, caPem: undefined }]
          ]),
          version: '1.2.3',
          clock: () => new Date(),
          randomBytes: createRandomSource()
        },
        stops
      )
    const ask = (name: string, key = parseWebhookSecret(mesSecret)!) =>
      open(key).ask('plant', { subject: { CommonName: name } })
    for (let tries = 0; tries < 100; tries++) {
      const isThere = await ask('sensor-000451').catch(() => undefined)
      if (isThere !== undefined) break
      await delay(100)
    }
    expect(await ask('sensor-000451')).toEqual({ verdict: 'allow', metadata: { order: '4711' } })
    expect(await ask('sensor-1')).toEqual({
      verdict: 'deny',
      message: 'It has not passed its tests. Back to station 3.'
    })
    await expect(ask('sensor-000451', Buffer.alloc(32, 1))).rejects.toMatchObject({ code: 'mes_unavailable' })
  })
})
