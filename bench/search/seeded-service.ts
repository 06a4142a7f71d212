import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { databaseName, roleName } from '../../src/database/embedded/cluster.ts'
import type { Sample } from '../seed/rows/sample.ts'
import { type RunningMintline, startMintline } from '../support/mintline.ts'

interface Seed {
  readonly rows: number
  /** Milliseconds since 1970; `end` is exclusive. */
  readonly start: number
  readonly end: number
  readonly samples: readonly Sample[]
}

export interface Answer {
  readonly status: number
  readonly milliseconds: number
  readonly body: string
}

export interface SeededService extends RunningMintline {
  readonly seed: Seed
  /** Of the owner's, at the service's own PostgreSQL. */
  readonly database: pg.Client
  /** Asks as an auditor, on one connection, one request after the other. */
  ask(path: string): Promise<Answer>
  /** CPU seconds so far of the processes of its PostgreSQL. */
  postgresSeconds(): number
}

/** The built service on a directory that `bench:seed` has filled. */
export async function startSeeded(directory: string): Promise<SeededService> {
  const dataDirectory = resolve(directory)
  const seed = JSON.parse(await readFile(join(dataDirectory, 'seed.json'), 'utf8')) as Seed
  const mintline = await startMintline({ dataDirectory })
  const auditorToken = (await readFile(join(dataDirectory, 'auditor-token'), 'utf8')).trim()
  const [pid = '', , , port = ''] = readFileSync(
    join(dataDirectory, 'postgres/cluster/postmaster.pid'),
    'utf8'
  ).split('\n')
  const password = (await readFile(join(dataDirectory, 'postgres/password'), 'utf8')).trim()
  const database = new pg.Client({
    host: '127.0.0.1',
    port: Number(port),
    user: roleName,
    password,
    database: databaseName
  })
  await database.connect()
  return {
    ...mintline,
    seed,
    database,
    ask: createAuditor(mintline.port, auditorToken),
    postgresSeconds: () => secondsOfChildren(Number(pid)),
    async stop() {
      await database.end()
      await mintline.stop()
    }
  }
}

function createAuditor(port: number, token: string): SeededService['ask'] {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${token}` }
  return path => {
    const { promise, resolve: answer, reject } = Promise.withResolvers<Answer>()
    const start = performance.now()
    const request = get({ host: '127.0.0.1', port, path, agent, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        answer({
          status: response.statusCode ?? 0,
          milliseconds: performance.now() - start,
          body: Buffer.concat(chunks).toString('utf8')
        })
      )
    })
    request.on('error', reject)
    return promise
  }
}

const ticksPerSecond = 100

/** Of those that are there, and of those that have ended. Linux. */
function secondsOfChildren(parent: number): number {
  let ticks = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number)
      const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
      if (fields[1] === parent) ticks += user + system
      if (Number(entry) === parent) ticks += endedUser + endedSystem
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return ticks / ticksPerSecond
}
