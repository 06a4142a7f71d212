/**
 * What it takes to make, hand out and check CRLs of so many entries: of the service in this process, on a PostgreSQL of its own,
 * with the time for which the event loop stood still meanwhile.
 *
 * usage: npm run bench:crl [-- --entries 0,10000,100000,1000000]
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { pino } from 'pino'
import { startService } from '../../src/composition/service.ts'
import { loadConfig } from '../../src/config/config.ts'
import { databaseName, roleName } from '../../src/database/embedded/cluster.ts'

const { values } = parseArgs({ options: { entries: { type: 'string', default: '0,10000,100000,1000000' } } })
const counts = values.entries.split(',').map(Number)
const mebibyte = 2 ** 20

const dataDirectory = await mkdtemp(join(tmpdir(), 'mintline-bench-'))
const config = loadConfig({
  MINTLINE_DATA_DIR: dataDirectory,
  MINTLINE_PORT: '0',
  MINTLINE_LOG_LEVEL: 'warn'
})
const service = await startService(config, pino({ level: 'warn' }))
const owner = await connectAsOwner()
try {
  const [{ id }] = (await owner.query<{ id: string }>('SELECT id FROM authority')).rows as [{ id: string }]
  await untilNumberAfter('0')
  const chain = await fetch(`${service.url}/v1/authorities/starter-g1/certificate`)
  await writeFile(join(dataDirectory, 'ca.pem'), await chain.text())
  for (const [index, count] of counts.entries()) {
    await plant(id, (counts[index - 1] ?? 0) + 1, count)
    await measure(id, count)
  }
} finally {
  await owner.end()
  await service.stop()
  await rm(dataDirectory, { recursive: true, force: true })
}

async function connectAsOwner(): Promise<pg.Client> {
  const [, , , port = ''] = (
    await readFile(join(dataDirectory, 'postgres/cluster/postmaster.pid'), 'utf8')
  ).split('\n')
  const password = (await readFile(join(dataDirectory, 'postgres/password'), 'utf8')).trim()
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(port),
    user: roleName,
    password,
    database: databaseName
  })
  await client.connect()
  return client
}

/** Rows without records: what a CRL is made of. */
async function plant(authorityId: string, first: number, last: number): Promise<void> {
  await owner.query('ALTER TABLE certificate_status DISABLE TRIGGER USER')
  await owner.query(
    `INSERT INTO certificate_status (intent_id, authority_id, serial_number, state, reason, since, act_id)
    SELECT gen_random_uuid(), $1, decode('4f' || substr(md5(n::text), 3) || lpad(to_hex(n), 6, '0'), 'hex'), 'revoked',
      'superseded', now() - n * interval '1 second', gen_random_uuid()
    FROM generate_series($2::int, $3::int) AS n`,
    [authorityId, first, last]
  )
  for (const name of ['of_act', 'stays', 'search_change'])
    await owner.query(`ALTER TABLE certificate_status ENABLE ALWAYS TRIGGER ${name}`)
  await owner.query('VACUUM ANALYZE certificate_status')
}

async function measure(authorityId: string, count: number): Promise<void> {
  const before = await newestNumber()
  const loop = monitorEventLoopDelay({ resolution: 5 })
  let mostMebibytes = 0
  const watch = setInterval(
    () => (mostMebibytes = Math.max(mostMebibytes, process.memoryUsage.rss() / mebibyte)),
    20
  )
  loop.enable()
  const startMs = performance.now()
  await owner.query('INSERT INTO crl_change (authority_id) VALUES ($1)', [authorityId])
  await untilNumberAfter(before)
  const tookMs = performance.now() - startMs
  const fetchedMs = performance.now()
  const answer = await fetch(`${service.url}/v1/authorities/starter-g1/crl`)
  const der = Buffer.from(await answer.arrayBuffer())
  const fetchMs = performance.now() - fetchedMs
  loop.disable()
  clearInterval(watch)
  const file = join(dataDirectory, 'list.crl')
  await writeFile(file, der)
  const { status, stderr } = openssl(
    'crl',
    '-inform',
    'DER',
    '-in',
    file,
    '-CAfile',
    join(dataDirectory, 'ca.pem'),
    '-noout'
  )
  console.log(
    [
      `${count} entries: ${(der.length / mebibyte).toFixed(2)} MiB`,
      `on record ${(tookMs / 1000).toFixed(1)} s after the act`,
      `read in ${fetchMs.toFixed(0)} ms`,
      `event loop at most ${(loop.max / 1e6).toFixed(0)} ms, p99 ${(loop.percentile(99) / 1e6).toFixed(0)} ms`,
      `at most ${mostMebibytes.toFixed(0)} MiB`,
      `openssl: ${status === 0 ? 'holds' : stderr}`
    ].join('; ')
  )
}

function openssl(...args: string[]): { readonly status: number; readonly stderr: string } {
  try {
    execFileSync('openssl', args, { stdio: 'pipe' })
    return { status: 0, stderr: '' }
  } catch (error) {
    return { status: 1, stderr: String((error as { stderr?: Buffer }).stderr) }
  }
}

async function newestNumber(): Promise<string> {
  const { rows } = await owner.query<{ number: string | null }>(
    'SELECT max(number) AS number FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id'
  )
  return rows[0]?.number ?? '0'
}

async function untilNumberAfter(before: string): Promise<void> {
  while (BigInt(await newestNumber()) <= BigInt(before)) await delay(50)
}
