/**
 * What exports take, of the built service on a directory that `bench:seed` has filled: one after the other in each format, with the
 * memory of the service and how long others wait for their answers meanwhile. Fails where a file is not what was made.
 *
 * usage: npm run bench:export -- --data-dir DIR [--rows 1000000 --formats csv,ndjson,xlsx,parquet]
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startSeeded } from '../search/seeded-service.ts'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    /** About so many, of the newest. */
    rows: { type: 'string', default: '1000000' },
    formats: { type: 'string', default: 'csv,ndjson,xlsx,parquet' }
  }
})
const askAgainMs = 250
const showAfterMs = 10_000

interface Made {
  readonly id: string
  readonly state: string
  readonly rows: number
  readonly octets: number
  readonly sha256?: string
  readonly failure?: { readonly detail: string }
}

if (values['data-dir'] === undefined)
  throw new Error('--data-dir names a directory that bench:seed has filled')
const service = await startSeeded(values['data-dir'])
try {
  const { rows, start, end } = service.seed
  // Records are spread over the time evenly enough.
  const from = new Date(end - ((end - start) * Math.min(Number(values.rows), rows)) / rows).toISOString()
  await removeAll()
  for (const format of values.formats.split(',')) await exportAs(format, from)
} finally {
  await service.stop()
}

/** What a run that was cut off has left would be made first. */
async function removeAll(): Promise<void> {
  const { items } = (await (await call('GET', '/v1/exports')).json()) as { readonly items: readonly Made[] }
  for (const { id } of items) await call('DELETE', `/v1/exports/${id}`)
}

async function exportAs(format: string, from: string): Promise<void> {
  const before = service.residentMebibytes()
  const cpuBefore = { service: service.cpuSeconds().service, postgres: service.postgresSeconds() }
  const begunAt = performance.now()
  const asked = { of: 'issuances', format, filter: { from } }
  const { id } = (await service.administer('/v1/exports', asked)) as Made
  const { made, waits, most } = await untilDone(id)
  const seconds = (performance.now() - begunAt) / 1_000
  const cpu = {
    service: service.cpuSeconds().service - cpuBefore.service,
    postgres: service.postgresSeconds() - cpuBefore.postgres
  }
  const sorted = waits.toSorted((one, other) => one - other)
  const wait = (share: number) =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(0)} ms`
  console.log(
    `${format}: ${made.rows} rows in ${seconds.toFixed(0)} s, ${(made.rows / seconds).toFixed(0)} rows/s; ` +
      `${(made.octets / 2 ** 20).toFixed(0)} MiB; memory ${before} MiB before, ${most} MiB at most; ` +
      `CPU of the service ${cpu.service.toFixed(0)} s, of PostgreSQL ${cpu.postgres.toFixed(0)} s; ` +
      `others waited ${wait(0.5)} (p50), ${wait(0.99)} (p99)`
  )
  await read(made)
}

async function untilDone(id: string) {
  const waits: number[] = []
  let most = 0
  let shownAt = performance.now()
  for (;;) {
    await delay(askAgainMs)
    const answer = await call('GET', `/v1/exports/${id}`, [503])
    const made = (await answer.json()) as Made
    // The machine is busy with others' work as well.
    if (answer.status === 503) continue
    if (made.state === 'done') return { made, waits, most }
    if (made.state === 'failed') throw new Error(made.failure?.detail)
    // Another one asks a thing that is answered without the database's help beyond its token.
    waits.push((await service.ask('/v1/self')).milliseconds)
    const resident = service.residentMebibytes()
    most = Math.max(most, resident)
    if (performance.now() - shownAt < showAfterMs) continue
    shownAt = performance.now()
    console.log(`  ${made.rows} rows, ${resident} MiB`)
  }
}

/** The file is read, held against its hash, and deleted. */
async function read({ id, octets, sha256 }: Made): Promise<void> {
  const begunAt = performance.now()
  const hash = createHash('sha256')
  const { body } = await call('GET', `/v1/exports/${id}/content`)
  for await (const part of body as AsyncIterable<Uint8Array>) hash.update(part)
  if (hash.digest('hex') !== sha256) throw new Error('what was read is not what was made')
  const seconds = (performance.now() - begunAt) / 1_000
  console.log(`  read in ${seconds.toFixed(1)} s, ${(octets / 2 ** 20 / seconds).toFixed(0)} MiB/s\n`)
  await call('DELETE', `/v1/exports/${id}`)
}

async function call(method: string, path: string, borne: readonly number[] = []): Promise<Response> {
  const answer = await fetch(`http://127.0.0.1:${service.port}${path}`, {
    method,
    headers: { authorization: `Bearer ${service.adminToken}` }
  })
  if (!answer.ok && !borne.includes(answer.status))
    throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`)
  return answer
}
