/**
 * How fast AWS IoT is told of an order to revoke many, and what that costs, while the service is killed in the middle of it. Ends with 1
 * unless each is done once at the stand-in, and none is forgotten.
 *
 *   npm run bench:push [-- --orders 10000 --per-second 100 --kills 3]
 */
import { parseArgs } from 'node:util'
import { assertThat } from '../support/report.ts'
import { authority, findFaults, openFleet, until } from './fleet.ts'

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '10000' },
    'per-second': { type: 'string', default: '100' },
    kills: { type: 'string', default: '3' }
  }
})
const orders = Number(values.orders)
const perSecond = Number(values['per-second'])
const kills = Number(values.kills)

const fleet = await openFleet({ devices: orders, perSecond })
try {
  await drain()
} finally {
  await fleet.stop()
}

async function drain(): Promise<void> {
  const select = { authority }
  const grounds = { select, reason: 'privilegeWithdrawn', note: 'bench' }
  const { service, revokedTimes, kill, database } = fleet
  const counted = await service().administer('/v1/revocations', { ...grounds, dryRun: true })
  const { count: expectedCount } = counted as { count: number }
  assertThat(expectedCount === orders, `all ${orders} are selected`)
  const start = performance.now()
  await service().administer('/v1/revocations', { ...grounds, expectedCount })
  const secondsAllowed = 300 + (3 * orders) / perSecond
  for (let killed = 1; killed <= kills; killed++) {
    const told = Math.floor((orders * killed) / (kills + 1))
    await until(`${told} are told`, secondsAllowed, async () => revokedTimes.size >= told)
    await kill()
    console.log(`killed   after ${revokedTimes.size}, ${((performance.now() - start) / 1_000).toFixed(1)} s`)
  }
  // The rest is what the dead had in hand, which waits until their time is over.
  const most = Math.floor(orders * 0.95)
  await until('nearly all are told', secondsAllowed, async () => revokedTimes.size >= most)
  const mostSeconds = (performance.now() - start) / 1_000
  await until('all are told', secondsAllowed, async () => revokedTimes.size === orders)
  const seconds = (performance.now() - start) / 1_000
  const done = "SELECT count(*)::int AS done FROM aws_push WHERE state = 'done' AND claimed_by IS NULL"
  const countDone = async () => (await database.query<{ done: number }>(done)).rows[0]!.done
  // What a dead process had in hand is looked at again when its time is over.
  await until('all are done', secondsAllowed, async () => (await countDone()) === orders)
  const { service: cpu, postgres, peakMebibytes } = fleet.spent()
  const perOrder = (cpuSeconds: number) => `${((cpuSeconds / orders) * 1_000).toFixed(2)} ms`
  const rate = (most / mostSeconds).toFixed(1)
  console.log(`told     ${most} in ${mostSeconds.toFixed(1)} s, which is ${rate}/s of ${perSecond}/s`)
  console.log(`told     all in ${seconds.toFixed(1)} s`)
  console.log(`settled  ${((performance.now() - start) / 1_000).toFixed(1)} s`)
  console.log(`CPU      ${perOrder(cpu)} of the service and ${perOrder(postgres)} of PostgreSQL for each`)
  console.log(`memory   ${peakMebibytes} MiB at most`)
  const throttled = (fleet.standIn.requestCounts.get('UpdateCertificate') ?? 0) - orders
  console.log(`calls    ${throttled} of UpdateCertificate beyond one for each: throttled`)
  const { forgotten, twice } = findFaults(fleet, orders)
  assertThat(forgotten === 0, 'none is forgotten')
  assertThat(twice === 0, 'each is done once')
}
