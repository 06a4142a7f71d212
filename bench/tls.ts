/**
 * What TLS costs the service: processor time of a request over kept connections, with it and without, in turn; and of a
 * handshake.
 *
 * usage: npm run bench:tls [-- --seconds 4 --rounds 5 --connections 16]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drive, type Target } from './support/load.ts'
import { type RunningMintline, startMintline } from './support/mintline.ts'
import { builtCommand } from './support/program.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' }
  }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const connections = Number(values.connections)
const warmUpSeconds = 3
/** More than are answered. */
const requestsPerSecond = 60_000

interface Side {
  readonly name: string
  readonly mintline: RunningMintline
  readonly target: Target
  readonly microseconds: number[]
}

/** CPU of the service for each request, in microseconds. */
async function measure({ mintline, target }: Side, runSeconds: number): Promise<number> {
  const bodies = Array.from({ length: runSeconds * requestsPerSecond }, () => new Uint8Array())
  const before = mintline.cpuSeconds().service
  const { requests, statuses } = await drive(target, bodies, { connections, seconds: runSeconds })
  if (statuses.get(200) !== requests) throw new Error(`answered otherwise: ${JSON.stringify([...statuses])}`)
  return ((mintline.cpuSeconds().service - before) * 1e6) / requests
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** Each makes a connection, asks once, and leaves. */
async function measureConnection({ mintline, target }: Side): Promise<number> {
  const count = 2_000
  const before = mintline.cpuSeconds().service
  for (let done = 0; done < count; done += connections) {
    const bodies = Array.from({ length: connections }, () => new Uint8Array())
    await drive(target, bodies, { connections, seconds: 60 })
  }
  return ((mintline.cpuSeconds().service - before) * 1e6) / count
}

const directory = mkdtempSync(join(tmpdir(), 'mintline-bench-tls-'))
const tlsFile = (name: string) => join(directory, 'tls', name)
execFileSync(process.execPath, [builtCommand, 'tls', 'init', '--out', join(directory, 'tls')])
const plain = await startMintline()
const secure = await startMintline({
  environment: {
    MINTLINE_TLS_CERT_FILE: tlsFile('server.cert.pem'),
    MINTLINE_TLS_KEY_FILE: tlsFile('server.key.pem')
  }
})
try {
  const path = { host: '127.0.0.1', path: '/healthz', method: 'GET', headers: {} }
  const sides: readonly Side[] = [
    { name: 'http', mintline: plain, target: { ...path, port: plain.port }, microseconds: [] },
    {
      name: 'https',
      mintline: secure,
      target: { ...path, port: secure.port, ca: readFileSync(tlsFile('ca.cert.pem'), 'utf8') },
      microseconds: []
    }
  ]
  for (const side of sides) await measure(side, warmUpSeconds)
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) side.microseconds.push(await measure(side, seconds))
  }
  const [http, https] = sides.map(({ microseconds }) => median(microseconds))
  for (const { name, microseconds } of sides) {
    const all = microseconds.map(each => each.toFixed(1)).join(', ')
    console.log(
      `${name.padEnd(8)} CPU of the service per request: ${all} us; median ${median(microseconds).toFixed(1)} us`
    )
  }
  console.log(`TLS      ${(https! - http!).toFixed(1)} us more per request on a kept connection`)
  for (const side of sides) {
    const each = await measureConnection(side)
    console.log(
      `${side.name.padEnd(8)} CPU of the service per connection with one request: ${each.toFixed(0)} us`
    )
  }
} finally {
  await Promise.all([plain.stop(), secure.stop()])
  rmSync(directory, { recursive: true, force: true })
}
