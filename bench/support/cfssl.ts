import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres
} from '../../src/database/embedded/embedded-postgres.ts'

export const cfsslPath = '/api/v1/cfssl/sign'
const port = 18_899

export function hasCfssl(): boolean {
  return spawnSync('cfssl', ['version']).status === 0 && spawnSync('cfssljson', ['-help']).error === undefined
}

export interface RunningCfssl {
  readonly port: number
  readonly stop: () => Promise<void>
}

/** Its own schema, as its migrations for PostgreSQL have it. */
const storeTable = `CREATE TABLE certificates (
  serial_number bytea NOT NULL, authority_key_identifier bytea NOT NULL, ca_label bytea, status bytea NOT NULL,
  reason int, expiry timestamptz, revoked_at timestamptz, pem bytea NOT NULL,
  PRIMARY KEY (serial_number, authority_key_identifier)
)`

/**
 * `cfssl serve` with an EC P-256 CA. Without a store it signs, and keeps nothing; with one it inserts each certificate into
 * an embedded PostgreSQL like the service's, with fsync on, before it answers.
 */
export async function startCfssl({ hasStore = false } = {}): Promise<RunningCfssl> {
  const directory = await mkdtemp(join(tmpdir(), 'cfssl-bench-'))
  const store = hasStore ? await startStore(directory) : undefined
  await writeFile(
    join(directory, 'ca.json'),
    JSON.stringify({ CN: 'Peer CA', key: { algo: 'ecdsa', size: 256 } })
  )
  const signing = { default: { expiry: '8760h', usages: ['digital signature', 'client auth'] } }
  await writeFile(join(directory, 'config.json'), JSON.stringify({ signing }))
  execFileSync('sh', ['-c', 'cfssl genkey -initca ca.json 2>/dev/null | cfssljson -bare ca'], {
    cwd: directory
  })
  const args = [
    'serve',
    '-address',
    '127.0.0.1',
    '-port',
    String(port),
    '-loglevel',
    '5',
    '-config',
    'config.json'
  ]
  const storeArgs = store === undefined ? [] : ['-db-config', 'store.json']
  const peer = spawn('cfssl', [...args, '-ca', 'ca.pem', '-ca-key', 'ca-key.pem', ...storeArgs], {
    cwd: directory,
    stdio: 'ignore'
  })
  await untilItListens()
  return {
    port,
    async stop() {
      peer.kill()
      await once(peer, 'exit')
      await store?.stop()
      await rm(directory, { recursive: true, force: true })
    }
  }
}

async function startStore(directory: string): Promise<EmbeddedPostgres> {
  const dataDirectory = join(directory, 'data')
  await mkdir(dataDirectory, { mode: 0o700 })
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  // It opens a connection for every request that is under way.
  const settings = { max_connections: '300' }
  const postgres = await startEmbeddedPostgres({ dataDirectory, log: silent, settings })
  const client = new pg.Client({ connectionString: postgres.connectionString })
  await client.connect()
  await client.query(storeTable)
  await client.end()
  const store = { driver: 'postgres', data_source: postgres.connectionString }
  await writeFile(join(directory, 'store.json'), JSON.stringify(store))
  return postgres
}

async function untilItListens(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}${cfsslPath}`, { method: 'POST' }).catch(
      () => undefined
    )
    if (answer !== undefined) return
    await delay(100)
  }
  throw new Error('cfssl did not start')
}
