import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres
} from '../../../src/database/embedded/embedded-postgres.ts'
import { fastSettings } from '../../support/postgres/test-postgres.ts'
import { silentLog } from '../../support/silent-log.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'

let directory: TemporaryDirectory
let running: EmbeddedPostgres | undefined
let child: ChildProcess | undefined

beforeAll(async () => {
  directory = await createTemporaryDirectory()
})

afterAll(() => directory.remove())

afterEach(async () => {
  child?.kill('SIGKILL')
  await running?.stop()
  running = child = undefined
})

async function start(settings: Readonly<Record<string, string>> = fastSettings): Promise<EmbeddedPostgres> {
  running = await startEmbeddedPostgres({ dataDirectory: directory.path, log: silentLog, settings })
  return running
}

async function stop(): Promise<void> {
  await running?.stop()
  running = undefined
}

async function query({ connectionString }: { connectionString: string }, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

const cluster = (): string => path.join(directory.path, 'postgres/cluster')

async function postmasterPid(): Promise<number> {
  return Number.parseInt(await readFile(path.join(cluster(), 'postmaster.pid'), 'utf8'), 10)
}

/** Resolves when the process is there no more, zombies aside. */
async function gone(pid: number): Promise<void> {
  await expect.poll(() => stat(`/proc/${pid}/cwd`).catch(() => undefined), { timeout: 5000 }).toBeUndefined()
}

/** A whole process of its own with an embedded PostgreSQL on the directory. */
async function startInChild(): Promise<{ connectionString: string }> {
  const script = fileURLToPath(new URL('../../support/postgres/run-embedded-postgres.ts', import.meta.url))
  child = spawn(process.execPath, [script, directory.path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { connectionString: line.toString().trim() }
}

async function killChild(): Promise<void> {
  child?.kill('SIGKILL')
  await once(child!, 'exit')
}

describe('startEmbeddedPostgres', () => {
  it('keeps the data from one start to the next', async () => {
    await query(await start(), 'CREATE TABLE early AS SELECT 7 AS n')
    await stop()
    expect(await query(await start(), 'SELECT n FROM early')).toEqual([7])
  })

  it('is durable, and listens for this machine with a password only', async () => {
    const postgres = await start({})
    const shown = [
      'fsync',
      'full_page_writes',
      'synchronous_commit',
      'listen_addresses',
      'unix_socket_directories'
    ]
    const values = await Promise.all(shown.map(name => query(postgres, `SHOW ${name}`)))
    expect(values.flat()).toEqual(['on', 'on', 'on', '127.0.0.1', ''])
    const address = new URL(postgres.connectionString)
    address.password = 'guess'
    await expect(query({ connectionString: address.href }, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01'
    })
  })

  it('makes a UTF-8 database that sorts by code point', async () => {
    const sql = 'SELECT encoding, datcollate FROM pg_database WHERE datname = current_database()'
    expect(await query(await start(), sql)).toEqual([6, 'C'])
  })

  it('works in a directory of mode 0700 and leaves its files as private as they were', async () => {
    const secret = path.join(directory.path, 'admin-token')
    await writeFile(secret, 'secret', { mode: 0o600 })
    await chmod(directory.path, 0o700)
    await start()
    const modes = await Promise.all(
      [secret, cluster()].map(async file => ((await stat(file)).mode & 0o777).toString(8))
    )
    expect(modes).toEqual(['600', '700'])
    const { mode } = await stat(directory.path)
    expect(mode & 0o066).toBe(0)
    const files = await readdir(path.join(directory.path, 'postgres'), { withFileTypes: true })
    for (const file of files.filter(entry => entry.isFile())) {
      expect((await stat(path.join(file.parentPath, file.name))).mode & 0o077).toBe(0)
    }
  })

  it('refuses a directory on which another Mintline is at work, and names its process', async () => {
    const other = await startInChild()
    await expect(start()).rejects.toMatchObject({
      code: 'data_directory_unusable',
      detail: expect.stringContaining(String(child?.pid)) as string
    })
    expect(await query(other, 'SELECT 1')).toEqual([1])
    const pid = await postmasterPid()
    await killChild()
    await start()
    await gone(pid)
  })

  it('is locked by a file that its owner alone can open, whatever stands in it and whoever left it behind', async () => {
    await start()
    const lock = path.join(directory.path, 'lock')
    expect((await stat(lock)).mode & 0o777).toBe(0o600)
    await stop()
    // As a process that was killed in the middle of something might leave it.
    await writeFile(path.join(directory.path, 'lock-holder'), 'nobody')
    await chmod(lock, 0o666)
    await start()
    expect((await stat(lock)).mode & 0o777).toBe(0o600)
  })

  it('stops the server that a killed Mintline left behind and takes over its data', async () => {
    await query(await startInChild(), 'CREATE TABLE orphaned AS SELECT 7 AS n')
    const orphan = await postmasterPid()
    await killChild()
    expect((await stat(`/proc/${orphan}`)).isDirectory()).toBe(true)
    const postgres = await start()
    expect(await postmasterPid()).not.toBe(orphan)
    await gone(orphan)
    expect(await query(postgres, 'SELECT n FROM orphaned')).toEqual([7])
  })

  it('leaves a process alone that has got the process id of a server long gone', async () => {
    await start()
    const file = path.join(cluster(), 'postmaster.pid')
    const text = await readFile(file, 'utf8')
    await stop()
    const { uid, gid } = await stat(cluster())
    const bystander = spawn('sleep', ['60'], { uid, gid, cwd: '/', stdio: 'ignore' })
    await writeFile(file, text.replace(/^\d+/, String(bystander.pid)))
    await start()
    expect(bystander.exitCode).toBeNull()
    expect(bystander.signalCode).toBeNull()
    bystander.kill()
  })

  it('starts the server again, on the same address, when it dies', async () => {
    const postgres = await start()
    await query(postgres, 'CREATE TABLE surviving AS SELECT 7 AS n')
    const pid = await postmasterPid()
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    const ask = (): Promise<unknown> => query(postgres, 'SELECT n FROM surviving').catch(() => 'away')
    await expect.poll(ask, { timeout: 10_000 }).toEqual([7])
    await stop()
    await gone(pid)
    await expect(query(postgres, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('leaves nothing running and nothing locked when it is stopped', async () => {
    const postgres = await start()
    const pid = await postmasterPid()
    await stop()
    await gone(pid)
    await expect(query(postgres, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await start()
  })

  it('says data_directory_unusable when the server will not start', async () => {
    await expect(start({ shared_buffers: 'much' })).rejects.toMatchObject({ code: 'data_directory_unusable' })
    await start()
  })
})
