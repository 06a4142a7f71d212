/**
 * What searches cost the stations: issuances at full rate with auditors that search and without any, in turn, on a directory that
 * `bench:seed` has filled. The auditors ask the cases of `cases.ts` one after the other, each at its own pace. What is issued stays
 * in the directory.
 *
 * Stations have four requests under way each: where others are there, too, none has more of the service at once.
 *
 * usage: npm run bench:beside-search -- --data-dir DIR [--rounds 4 --seconds 5 --stations 32 --auditors 4 --pause-ms 1000]
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { drive, type Target } from '../support/load.ts'
import { makeRequests } from '../support/requests.ts'
import { pathOf, searchCases } from './cases.ts'
import { startSeeded } from './seeded-service.ts'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '5' },
    stations: { type: 'string', default: '32' },
    auditors: { type: 'string', default: '4' },
    'pause-ms': { type: 'string', default: '1000' },
    /** `old` for what there was before records were searched by what they say. */
    only: { type: 'string' }
  }
})
const seconds = Number(values.seconds)
const requestsPerSecond = 4_000
const cases = searchCases.filter(({ isOld }) => values.only !== 'old' || isOld)

if (values['data-dir'] === undefined)
  throw new Error('--data-dir names a directory that bench:seed has filled')
const service = await startSeeded(values['data-dir'])
const ofEach = 4
const run = Date.now().toString(36)
let runs = 0
let asked = 0
let busy = 0
const stations: Target[] = []
try {
  // Another name each time: those of an earlier run are still there.
  for (let index = 0; index < Number(values.stations); index++)
    stations.push(await service.addStation(`bench-${run}-${index}`))
  await issue()
  const ratios: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const alone = await issue()
    const beside = await issueBesideAuditors()
    ratios.push(beside / alone)
    console.log(
      `${alone.toFixed(0)}/s alone, ${beside.toFixed(0)}/s beside: ${(beside / alone).toFixed(2)}; ` +
        `${asked} searches and ${busy} answers of 503 so far, the service has ${service.residentMebibytes()} MiB`
    )
  }
  const sorted = ratios.toSorted((one, other) => one - other)
  console.log(`beside / alone, the median: ${sorted[Math.floor(sorted.length / 2)]!.toFixed(2)}`)
} finally {
  await service.stop()
}

/** @returns issuances a second. */
async function issue(): Promise<number> {
  const bodies = makeRequests(seconds * requestsPerSecond, `${run}-${++runs}`)
  const share = Math.floor(bodies.length / stations.length)
  const start = performance.now()
  const results = await Promise.all(
    stations.map((station, index) =>
      drive(station, bodies.slice(index * share, (index + 1) * share), { connections: ofEach, seconds })
    )
  )
  const tookSeconds = (performance.now() - start) / 1_000
  const all = results.flatMap(({ statuses }) => [...statuses])
  const countOf = (status: number) =>
    all.reduce((sum, [each, count]) => sum + (each === status ? count : 0), 0)
  // Told that too much waits: the station asks again.
  busy += countOf(503)
  const others = all.filter(([status]) => status !== 201 && status !== 503)
  if (others.length > 0) throw new Error(`answered otherwise: ${JSON.stringify(others)}`)
  return countOf(201) / tookSeconds
}

async function issueBesideAuditors(): Promise<number> {
  const leaving = new AbortController()
  const auditors = Array.from({ length: Number(values.auditors) }, () => search(leaving.signal))
  try {
    return await issue()
  } finally {
    leaving.abort()
    await Promise.all(auditors)
  }
}

async function search(leaving: AbortSignal): Promise<void> {
  const { samples } = service.seed
  while (!leaving.aborted) {
    const chosen = cases[asked % cases.length]!
    const path = pathOf(chosen.ask(samples[(asked * 37) % samples.length]!, (asked % 100) / 100))
    asked++
    const { status, body } = await service.ask(path)
    if (status !== 200 && status !== 422) throw new Error(`${path} answered ${status}: ${body}`)
    await delay(Number(values['pause-ms']))
  }
}
