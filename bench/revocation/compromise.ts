/**
 * A drill: the CA of a fleet is declared compromised. Times until all is revoked, the last CRL says it, AWS IoT has been told of each, and the
 * list of what is to be provisioned anew is there. Ends with 1 unless all of it holds.
 *
 *   npm run bench:compromise [-- --devices 10000 --per-second 100]
 */
import { parseArgs } from 'node:util'
import { parseRevocationList } from '../../src/pki/revocation/revocation-list.ts'
import { assertThat } from '../support/report.ts'
import { authority, findFaults, openFleet, until } from './fleet.ts'

const { values } = parseArgs({
  options: { devices: { type: 'string', default: '10000' }, 'per-second': { type: 'string', default: '100' } }
})
const devices = Number(values.devices)
const perSecond = Number(values['per-second'])

interface Told {
  readonly state: string
  readonly revocation: { readonly state: string; readonly done: number }
  readonly registrations: readonly { readonly state: string; readonly isActive: boolean }[]
  readonly lastCrl: { readonly state: string }
}

const fleet = await openFleet({ devices, perSecond })
try {
  await drill()
} finally {
  await fleet.stop()
}

async function drill(): Promise<void> {
  const { service, get, standIn, revokedTimes } = fleet
  const url = `/v1/authorities/${authority}`
  const read = async () => (await (await get(`${url}/compromise`)).json()) as Told
  const start = performance.now()
  const tell = (what: string) =>
    console.log(`${((performance.now() - start) / 1_000).toFixed(1).padStart(8)} s  ${what}`)
  await service().administer(`${url}/compromise`, { reason: 'drill' })
  tell('declared: it issues nothing more')
  const limit = 300 + (3 * devices) / perSecond
  const isOff = () => standIn.registry.listCaCertificates().every(({ status }) => status === 'INACTIVE')
  const milestones: readonly (readonly [string, () => Promise<boolean>])[] = [
    ['the CA is INACTIVE at AWS IoT', async () => isOff()],
    ['all is revoked', async () => (await read()).revocation.state === 'done'],
    ['the last CRL is signed', async () => (await read()).lastCrl.state === 'signed'],
    ['AWS IoT has been told of each', async () => revokedTimes.size === devices],
    ['done', async () => (await read()).state === 'done']
  ]
  await Promise.all(milestones.map(([what, isSo]) => until(what, limit, isSo).then(() => tell(what))))
  const begin = performance.now()
  const csv = await (await get(`${url}/unprovisioned`, 'text/csv')).text()
  console.log(
    `the list as CSV took ${((performance.now() - begin) / 1_000).toFixed(1)} s, ${csv.length} octets`
  )
  const crl = new Uint8Array(await (await get(`${url}/crl`, 'application/pkix-crl')).arrayBuffer())
  const { revoked, nextUpdate } = parseRevocationList(crl)
  const { service: cpu, postgres, peakMebibytes } = fleet.spent()
  console.log(
    `CPU ${cpu.toFixed(1)} s of the service, ${postgres.toFixed(1)} s of PostgreSQL; ${peakMebibytes} MiB at most`
  )
  assertThat(
    revoked.size === devices && nextUpdate.getUTCFullYear() === 9999,
    'the last CRL has all, and never ends'
  )
  assertThat(csv.trimEnd().split('\r\n').length === devices + 1, 'the list has all')
  const { forgotten, twice } = findFaults(fleet, devices)
  assertThat(forgotten === 0 && twice === 0, 'AWS IoT has each REVOKED, and was told once')
}
