/**
 * Issuances a second of the built service, durable, on a fresh embedded PostgreSQL; and, with cfssl on the PATH,
 * the same load on it in the same run.
 *
 * usage: npm run bench [-- --seconds 8 --connections 128]
 */
import { parseArgs } from 'node:util'
import { parseCertificate } from '../src/pki/certificate/certificate.ts'
import { measurePreflight } from './preflight.ts'
import { cfsslPath, hasCfssl, startCfssl } from './support/cfssl.ts'
import { drive } from './support/load.ts'
import { type RunningMintline, startMintline } from './support/mintline.ts'
import { report } from './support/report.ts'
import { makeRequests } from './support/requests.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, connections: { type: 'string', default: '128' } }
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const warmUpSeconds = 3
/** More than either server can take, so that no run ends for want of requests. */
const requestsPerSecond = 6_000

const host = '127.0.0.1'
const ownRate = await measureMintline()
if (hasCfssl()) {
  for (const hasStore of [true, false]) {
    const peerRate = await measureCfssl(hasStore)
    const peer = hasStore ? 'cfssl with its PostgreSQL store' : 'cfssl without a store'
    console.log(`ratio    mintline / ${peer} = ${(ownRate / peerRate).toFixed(2)}`)
  }
} else {
  console.log('cfssl    not on the PATH (Debian package golang-cfssl): no ratio')
}

async function measureMintline(): Promise<number> {
  const mintline = await startMintline()
  try {
    const target = mintline.issuances
    const warmUp = makeRequests(warmUpSeconds * requestsPerSecond, 'warm-up')
    const bodies = makeRequests(seconds * requestsPerSecond, 'measured')
    await drive(target, warmUp, { connections, seconds: warmUpSeconds })
    const before = mintline.cpuSeconds()
    const result = await drive(target, bodies, { connections, seconds })
    const after = mintline.cpuSeconds()
    report('mintline', result, 201)
    const microseconds = (used: number) => ((used * 1e6) / result.requests).toFixed(0)
    console.log(
      `         CPU per issuance: service ${microseconds(after.service - before.service)} us, ` +
        `PostgreSQL ${microseconds(after.postgres - before.postgres)} us`
    )
    await reportPreflight(mintline, (after.service - before.service) / result.requests)
    return result.requests / result.seconds
  } finally {
    await mintline.stop()
  }
}

async function reportPreflight(
  { port, stationToken }: RunningMintline,
  secondsPerIssuance: number
): Promise<void> {
  const answer = await fetch(`http://${host}:${port}/v1/issuances?profile=starter`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stationToken}`,
      'content-type': 'application/pkcs10',
      accept: 'application/pkix-cert'
    },
    body: makeRequests(1, 'pre-flight')[0]!
  })
  const certificateDer = new Uint8Array(await answer.arrayBuffer())
  const microseconds = measurePreflight(certificateDer, parseCertificate(certificateDer).tbsDer)
  const share = (microseconds / (secondsPerIssuance * 1e6)) * 100
  console.log(
    `         pre-flight: ${microseconds.toFixed(1)} us, ${share.toFixed(1)} % of the service's CPU time`
  )
}

async function measureCfssl(hasStore: boolean): Promise<number> {
  const peer = await startCfssl({ hasStore })
  try {
    const target = { host, port: peer.port, path: cfsslPath, headers: { 'content-type': 'application/json' } }
    const bodies = makeRequests(4_096, 'peer').map(der =>
      Buffer.from(JSON.stringify({ certificate_request: pemOf(der) }))
    )
    // It certifies a key as often as it is asked to, so the same requests may come again.
    const repeated = Array.from(
      { length: seconds * 2 * requestsPerSecond },
      (_, index) => bodies[index % bodies.length]!
    )
    await drive(target, repeated, { connections, seconds: warmUpSeconds })
    const result = await drive(target, repeated, { connections, seconds })
    report(hasStore ? 'cfssl+db' : 'cfssl', result, 200)
    return result.requests / result.seconds
  } finally {
    await peer.stop()
  }
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n')
}
