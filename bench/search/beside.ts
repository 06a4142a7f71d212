/**
 * What searches cost the stations: issuances at full rate with auditors that search and without any, in turn, on a directory that
 * `bench:seed` has filled. The auditors ask the cases of `cases.ts` one after the other, each at its own pace. What is issued stays
 * in the directory.
 *
 * usage: npm run bench:beside-search -- --data-dir DIR [--rounds 4 --seconds 5 --connections 128 --auditors 4 --pause-ms 1000]
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { drive } from '../support/load.ts'
import { makeRequests } from '../support/requests.ts'
import { pathOf, searchCases } from './cases.ts'
import { startSeeded } from './seeded-service.ts'

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '128' },
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
const run = Date.now().toString(36)
let runs = 0
let asked = 0
try {
  await issue()
  const ratios: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const alone = await issue()
    const beside = await issueBesideAuditors()
    ratios.push(beside / alone)
    console.log(
      `${alone.toFixed(0)}/s alone, ${beside.toFixed(0)}/s beside: ${(beside / alone).toFixed(2)}; ` +
        `${asked} searches so far, the service has ${service.residentMebibytes()} MiB`
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
  const { requests, statuses, ...result } = await drive(service.issuances, bodies, {
    connections: Number(values.connections),
    seconds
  })
  const others = [...statuses].filter(([status]) => status !== 201)
  if (others.length > 0) throw new Error(`answered otherwise: ${JSON.stringify(others)}`)
  return requests / result.seconds
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
