/**
 * What a lot costs: issuances with a lot and without one, in turn, on one service; their ratio.
 *
 * usage: npm run bench:lot [-- --seconds 4 --rounds 4 --connections 128]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { drive, type Target } from './support/load.ts'
import { startMintline } from './support/mintline.ts'
import { makeRequests } from './support/requests.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '128' }
  }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const connections = Number(values.connections)
const requestsPerSecond = 6_000

interface Measured {
  readonly perSecond: number
  /** Of the service and of PostgreSQL. */
  readonly service: number
  readonly postgres: number
}

const lot = 'bench'
const dataDirectory = await mkdtemp(join(tmpdir(), 'mintline-bench-'))
// By a service of its own: while an administrator has come lately, a station has few requests in work at once.
const before = await startMintline({ dataDirectory })
await before.administer('/v1/lots', { id: lot, profile: 'starter', quantity: 100_000_000 })
await before.stop()
const mintline = await startMintline({ dataDirectory })
let runs = 0
try {
  const without = mintline.issuances
  const within = { ...without, path: `${without.path}&lot=${lot}` }
  await measure(without)
  await measure(within)
  const measured = { without: [] as Measured[], within: [] as Measured[] }
  for (let round = 0; round < rounds; round++) {
    measured.without.push(await measure(without))
    measured.within.push(await measure(within))
  }
  show('without a lot', measured.without)
  show('with a lot', measured.within)
  const cpuOf = ({ service, postgres }: Measured) => service + postgres
  const ratio = (of: (each: Measured) => number) =>
    median(measured.within.map((each, round) => of(each) / of(measured.without[round]!))).toFixed(2)
  console.log(`with / without: rate ${ratio(each => each.perSecond)}, CPU ${ratio(cpuOf)}`)
} finally {
  await mintline.stop()
  await rm(dataDirectory, { recursive: true, force: true })
}

async function measure(target: Target): Promise<Measured> {
  const bodies = makeRequests(seconds * requestsPerSecond, `lot-${++runs}`)
  const before = mintline.cpuSeconds()
  const { requests, statuses, ...result } = await drive(target, bodies, { connections, seconds })
  const after = mintline.cpuSeconds()
  const others = [...statuses].filter(([status]) => status !== 201)
  if (others.length > 0) throw new Error(`answered otherwise: ${JSON.stringify(others)}`)
  const microseconds = (used: number) => (used * 1e6) / requests
  return {
    perSecond: requests / result.seconds,
    service: microseconds(after.service - before.service),
    postgres: microseconds(after.postgres - before.postgres)
  }
}

function show(name: string, measured: readonly Measured[]): void {
  const of = (kind: keyof Measured) => median(measured.map(each => each[kind])).toFixed(0)
  console.log(
    `${name.padEnd(14)}${of('perSecond')}/s; CPU per issuance: service ${of('service')} us, PostgreSQL ${of('postgres')} us`
  )
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)]!, sorted[Math.floor(sorted.length / 2)]!]
  return (low + high) / 2
}
