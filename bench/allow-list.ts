/**
 * What a list of a million devices takes to upload, in time and memory, and what a station notices of it:
 *
 *   npm run bench:allow-list [-- --devices 1000000 --rate 20]
 *
 * The station posts CSRs for another lot meanwhile, and before it for comparison.
 */
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { percentile } from './support/load.ts'
import { type RunningMintline, startMintline } from './support/mintline.ts'
import { drivePaced } from './support/paced.ts'
import { makeRequests } from './support/requests.ts'

const { values } = parseArgs({
  options: { devices: { type: 'string', default: '1000000' }, rate: { type: 'string', default: '20' } }
})
const devices = Number(values.devices)
const perSecond = Number(values.rate)

function* rows(): Generator<string> {
  yield 'CommonName,SerialNumber,spkiSha256\n'
  for (let first = 0; first < devices; first += 1_000) {
    const count = Math.min(1_000, devices - first)
    const lines = Array.from({ length: count }, (_, index) => {
      const number = first + index
      return `listed-${number},SN-${number},${number.toString(16).padStart(64, '0')}\n`
    })
    yield lines.join('')
  }
}

async function put({ port, adminToken }: RunningMintline): Promise<string> {
  const sent = request({
    port,
    host: '127.0.0.1',
    method: 'PUT',
    path: '/v1/lots/listed/devices',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'text/csv' }
  })
  const answered = new Promise<string>((resolve, reject) => {
    sent.once('error', reject).once('response', response => {
      let text = ''
      response
        .on('data', (chunk: Buffer) => (text += chunk.toString()))
        .on('end', () => resolve(`${response.statusCode} ${text}`))
    })
  })
  await pipeline(Readable.from(rows(), { objectMode: false }), sent)
  return answered
}

const mintline = await startMintline()
try {
  for (const id of ['listed', 'made'])
    await mintline.administer('/v1/lots', { id, profile: 'starter', quantity: devices })
  const bodies = makeRequests(4_000, 'listed')
  const target = { ...mintline.issuances, path: `${mintline.issuances.path}&lot=made` }
  const before = await drivePaced(target, bodies, { connections: 4, perSecond, seconds: 10 })
  let isOver = false
  let peak = mintline.residentMebibytes()
  const atRest = peak
  const watch = setInterval(() => (peak = Math.max(peak, mintline.residentMebibytes())), 100)
  const begin = performance.now()
  const cpuBefore = mintline.cpuSeconds()
  let seconds = 0
  const uploaded = put(mintline).finally(() => {
    isOver = true
    seconds = (performance.now() - begin) / 1_000
  })
  const beside: number[] = []
  const statuses = new Map<number, number>()
  for (let round = 1; !isOver && round < 100; round++) {
    const part = bodies.slice(round * perSecond * 5, (round + 1) * perSecond * 5)
    if (part.length === 0) break
    const result = await drivePaced(target, part, { connections: 4, perSecond, seconds: 5 })
    beside.push(...result.latenciesMs)
    for (const [status, count] of result.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count)
  }
  const answer = await uploaded
  const cpu = mintline.cpuSeconds()
  clearInterval(watch)
  const after = { ...before, latenciesMs: Float64Array.from(beside).sort() }
  console.log(`${devices} devices: ${answer}`)
  console.log(`${seconds.toFixed(1)} s, ${Math.round(devices / seconds)} a second`)
  console.log(
    `CPU with the station's: service ${(cpu.service - cpuBefore.service).toFixed(1)} s, PostgreSQL ${(cpu.postgres - cpuBefore.postgres).toFixed(1)} s`
  )
  console.log(`memory of the service: ${atRest} MB before, ${peak} MB at the most`)
  console.log(
    `a station at ${perSecond} a second: p50 ${percentile(before, 0.5)} ms, p99 ${percentile(before, 0.99)} ms before; p50 ${percentile(after, 0.5)} ms, p99 ${percentile(after, 0.99)} ms beside; ${JSON.stringify(Object.fromEntries(statuses))}`
  )
} finally {
  await mintline.stop()
}
