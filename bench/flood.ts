/**
 * What a station notices of a flood: latencies of its requests alone, and beside 2,000 requests a second over 50
 * connections of another station, or of somebody without a token, in turn.
 *
 * usage: npm run bench:flood [-- --seconds 10 --rounds 3 --rate 50 --only csr,healthz]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Flood, Flooded } from './support/flooder.ts'
import { percentile, type Target } from './support/load.ts'
import { startMintline } from './support/mintline.ts'
import { drivePaced } from './support/paced.ts'
import { makeRequests } from './support/requests.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '50' },
    only: { type: 'string' }
  }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const pace = { connections: 8, perSecond: Number(values.rate), seconds }
/** Longer than the measurement at both ends. */
const floodPace = { connections: 50, perSecond: 2_000, seconds: seconds + 2 }

const mintline = await startMintline()
const flooder = fork(fileURLToPath(new URL('support/flooder.ts', import.meta.url)))
let runs = 0
try {
  const calm = await mintline.addStation('calm')
  const loud = await mintline.addStation('loud')
  const floods = floodsOf(calm, loud).filter(({ name }) => values.only?.split(',').includes(name) ?? true)
  await measure(calm)
  console.log(
    `${pace.perSecond} CSRs/s of one station; ms. The flood: what it reached a second, and its answers.`
  )
  for (const flood of floods) await compare(calm, flood)
} finally {
  flooder.kill()
  await mintline.stop()
}

function floodsOf(calm: Target, loud: Target): readonly Flood[] {
  const { authorization, ...anonymous } = calm.headers
  const [, id = ''] = /mintline_([0-9a-f]{32})/.exec(authorization!) ?? []
  const bearer = (tokenId: string) => ({
    ...anonymous,
    authorization: `Bearer mintline_${tokenId}_${'A'.repeat(43)}`
  })
  const common = { body: 'none', pace: floodPace } as const
  const get = (path: string): Target => ({ ...calm, method: 'GET', path, headers: anonymous })
  return [
    { ...common, name: 'csr', target: loud, body: 'csr' },
    { ...common, name: 'forged', target: loud, body: 'forged' },
    { ...common, name: 'reads', target: { ...loud, method: 'GET', path: '/v1/issuances?limit=50' } },
    { ...common, name: 'no-token', target: { ...calm, headers: anonymous }, body: 'csr' },
    { ...common, name: 'list', target: get('/v1/issuances') },
    { ...common, name: 'healthz', target: get('/healthz') },
    { ...common, name: 'readyz', target: get('/readyz') },
    { ...common, name: 'metrics', target: get('/metrics') },
    { ...common, name: 'bundle', target: get('/v1/trust-bundle') },
    { ...common, name: 'unknown', target: get('/v1/unknown') },
    { ...common, name: 'bad-token', target: { ...calm, headers: bearer('0'.repeat(32)) }, body: 'csr' },
    { ...common, name: 'bad-secret', target: { ...calm, headers: bearer(id) }, body: 'csr' },
    { ...common, name: 'large', target: { ...calm, headers: bearer('0'.repeat(32)) }, body: 'large' }
  ]
}

interface Latency {
  readonly p50: number
  readonly p99: number
  /** What the service's thread ran meanwhile, for whomever: p50 and p99. */
  readonly ran50: number
  readonly ran99: number
}

/** Alone and beside the flood, in turn; then the medians. */
async function compare(calm: Target, flood: Flood): Promise<void> {
  const alone: Latency[] = []
  const beside: Latency[] = []
  const floods: Flooded[] = []
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure(calm))
    flooder.send({ ...flood, name: `${flood.name}-${++runs}` })
    await once(flooder, 'message')
    const done = once(flooder, 'message')
    await delay(1_000)
    beside.push(await measure(calm))
    const [flooded] = (await done) as [Flooded]
    floods.push(flooded)
  }
  const show = (of: readonly Latency[], kinds: readonly (keyof Latency)[]) =>
    kinds.map(kind => median(of.map(each => each[kind])).toFixed(1)).join(' / ')
  const ratios = beside.map(({ p99 }, round) => p99 / alone[round]!.p99)
  console.log(
    [
      flood.name.padEnd(10),
      `alone ${show(alone, ['p50', 'p99'])}, beside ${show(beside, ['p50', 'p99'])}`,
      `x ${median(ratios).toFixed(1)} (${ratios.map(ratio => ratio.toFixed(1)).join(' ')})`,
      `thread alone ${show(alone, ['ran50', 'ran99'])}, beside ${show(beside, ['ran50', 'ran99'])}`,
      `flood ${median(floods.map(({ perSecond }) => perSecond)).toFixed(0)}/s ${JSON.stringify(floods.at(-1)!.statuses)}`
    ].join('; ')
  )
}

async function measure(target: Target): Promise<Latency> {
  const bodies = makeRequests(pace.perSecond * seconds, `calm-${++runs}`)
  const result = await drivePaced(target, bodies, { ...pace, meter: mintline.threadMs })
  const others = [...result.statuses].filter(([status]) => status !== 201)
  if (others.length > 0) throw new Error(`the station was answered otherwise: ${JSON.stringify(others)}`)
  const of = (sorted: Float64Array, share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    p50: percentile(result, 0.5),
    p99: percentile(result, 0.99),
    ran50: of(result.metered, 0.5),
    ran99: of(result.metered, 0.99)
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}
