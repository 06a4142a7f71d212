/**
 * How long searches take, of the built service on a directory that `bench:seed` has filled: each filter and each of the
 * combinations of `cases.ts` by requests one after the other, the first hundredth of them slower than what is printed as p99.
 * Fails where a p99 is above the limit, and where a search finds nothing of what there is.
 *
 * usage: npm run bench:search -- --data-dir DIR [--requests 200 --limit-ms 50 --only old --match station --wait-seconds 7200 --read-first]
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { pathOf, type SearchCase, searchCases } from './cases.ts'
import { type Answer, type SeededService, startSeeded } from './seeded-service.ts'
import { showSizes } from './sizes.ts'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    requests: { type: 'string', default: '200' },
    'limit-ms': { type: 'string', default: '50' },
    /** `old` for what there was before records were searched by what they say. */
    only: { type: 'string' },
    match: { type: 'string', default: '' },
    'wait-seconds': { type: 'string', default: '7200' },
    /** Reads all records once before: the machine's memory has as many of them then as where it has been up for days. */
    'read-first': { type: 'boolean', default: false }
  }
})
const requests = Number(values.requests)
const limitMs = Number(values['limit-ms'])
/** Within which what is too broad is to be refused. */
const refusedWithinMs = 2_500
const warmUpRequests = 10

interface Measured {
  readonly name: string
  readonly asked: number
  /** Sorted. */
  readonly milliseconds: readonly number[]
  /** Too broad. */
  readonly refused: number
  /** The database did not answer. */
  readonly unavailable: number
  /** First pages without an item. */
  readonly empty: number
  /** For each request, in milliseconds. */
  readonly serviceCpu: number
  readonly postgresCpu: number
}

if (values['data-dir'] === undefined)
  throw new Error('--data-dir names a directory that bench:seed has filled')
const service = await startSeeded(values['data-dir'])
try {
  await measureAll()
} finally {
  await service.stop()
}

async function measureAll(): Promise<void> {
  if (values.only !== 'old') await untilFilled(service, Number(values['wait-seconds']))
  await showSizes(service.database)
  if (values['read-first']) await readRecords()
  const cases = searchCases.filter(
    ({ name, isOld }) => (values.only !== 'old' || isOld) && name.includes(values.match)
  )
  console.log(`\n${service.seed.rows} records; ${requests} requests each, one at a time\n`)
  console.log(
    '| search | p50 | p99 | most | CPU of the service | CPU of PostgreSQL |\n| --- | --- | --- | --- | --- | --- |'
  )
  const slow: string[] = []
  const blind: string[] = []
  for (const each of cases) {
    const measured = await measure(each)
    show(measured)
    if (isSlow(each, measured)) slow.push(each.name)
    if (isBlind(each, measured)) blind.push(each.name)
  }
  console.log(`\nthe service has ${service.residentMebibytes()} MiB`)
  if (slow.length > 0) console.log(`above ${limitMs} ms: ${slow.join('; ')}`)
  if (blind.length > 0) console.log(`not found what there is: ${blind.join('; ')}`)
  if (slow.length + blind.length > 0) process.exitCode = 1
}

async function readRecords(): Promise<void> {
  await service.database.query('SET max_parallel_workers_per_gather = 0')
  // Columns that no index has: whole rows are read.
  for (const [table, column] of [
    ['intent', 'tbs_der'],
    ['issued', 'certificate_der']
  ])
    await service.database.query(`SELECT count(${column}) FROM ${table}`)
}

function isSlow(each: SearchCase, measured: Measured): boolean {
  if (measured.unavailable > 0 || (measured.refused > 0 && each.mayBeTooBroad !== true)) return true
  return percentile(measured, 0.99) > (measured.refused > 0 ? refusedWithinMs : limitMs)
}

/** A search that finds nothing is the fastest of all. */
function isBlind({ isEmpty, isSure }: SearchCase, { empty, refused, unavailable, asked }: Measured): boolean {
  if (isEmpty === true) return false
  return isSure === true ? empty > 0 : empty > 0 && empty + refused + unavailable === asked
}

async function measure(each: SearchCase): Promise<Measured> {
  for (let index = 0; index < warmUpRequests; index++) await askOnce(each, index / warmUpRequests)
  const before = { service: service.cpuSeconds().service, postgres: service.postgresSeconds() }
  const milliseconds: number[] = []
  const counts = { asked: 0, refused: 0, unavailable: 0, empty: 0 }
  while (milliseconds.length < requests) {
    const { answers, isEmpty } = await askOnce(each, milliseconds.length / requests)
    counts.asked++
    if (isEmpty) counts.empty++
    for (const answer of answers) {
      milliseconds.push(answer.milliseconds)
      if (answer.status === 422) counts.refused++
      if (answer.status === 503) counts.unavailable++
    }
    // The rest would take minutes, and say the same.
    if (milliseconds.at(-1)! > 1_000 && milliseconds.length > requests / 10) break
  }
  const perRequest = (seconds: number) => (seconds * 1_000) / milliseconds.length
  return {
    name: each.name,
    serviceCpu: perRequest(service.cpuSeconds().service - before.service),
    postgresCpu: perRequest(service.postgresSeconds() - before.postgres),
    milliseconds: milliseconds.sort((one, other) => one - other),
    ...counts
  }
}

/** Too broad, or the database is away, as it was said before there was such an answer. That it is behind is neither. */
function isUnanswered({ status, body }: Answer): boolean {
  return status === 422 || (status === 503 && !body.includes('"search_behind"'))
}

/** As many pages as the case has, by the cursor of the page before. */
async function askOnce({ ask, pages = 1, ...each }: SearchCase, fraction: number) {
  const { samples } = service.seed
  // Neighbours are of one time: each next one is of another.
  const sample = samples[(Math.floor(fraction * samples.length) * 37) % samples.length]!
  const answers: Answer[] = []
  let isEmpty = false
  let cursor: string | undefined
  for (let page = 0; page < pages; page++) {
    const path = pathOf(ask(sample, fraction), cursor)
    const answer = await service.ask(path)
    answers.push(answer)
    // Shown in the table, and a failure unless it is known to be too broad.
    if (isUnanswered(answer)) break
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`)
    const { items, nextCursor } = JSON.parse(answer.body) as { items: unknown[]; nextCursor?: string }
    if (page === 0) isEmpty = items.length === 0
    if (each.isEmpty === true && items.length > 0) throw new Error(`${path} found what is not there`)
    if (nextCursor === undefined) break
    cursor = nextCursor
  }
  return { answers, isEmpty }
}

function show(measured: Measured): void {
  const { name, milliseconds, refused, unavailable, serviceCpu, postgresCpu } = measured
  const cells = [percentile(measured, 0.5), percentile(measured, 0.99), milliseconds.at(-1)!]
  const told = [
    ...(refused > 0 ? [`${refused} too broad`] : []),
    ...(unavailable > 0 ? [`${unavailable} not answered`] : [])
  ]
  const note = told.length > 0 ? ` (of ${milliseconds.length} ${told.join(', ')})` : ''
  const times = [...cells, serviceCpu, postgresCpu].map(each => `${each.toFixed(1)} ms`)
  console.log(`| ${name}${note} | ${times.join(' | ')} |`)
}

function percentile({ milliseconds }: Measured, share: number): number {
  return milliseconds[Math.min(milliseconds.length - 1, Math.floor(milliseconds.length * share))]!
}

/** What is searched by is made in the background, also of records that were there before. */
async function untilFilled({ database, seed }: SeededService, seconds: number): Promise<void> {
  const start = performance.now()
  for (;;) {
    const { rows } = await database.query<{ count: string; open: string }>(
      `SELECT (SELECT records FROM search_progress) AS count, (SELECT count(*) FROM search_pending) AS open`
    )
    if (Number(rows[0]!.count) >= seed.rows) break
    if (performance.now() - start > seconds * 1_000) throw new Error('the search has not caught up')
    await delay(1_000)
  }
  console.log(`the search had caught up after ${((performance.now() - start) / 1_000).toFixed(0)} s`)
}
