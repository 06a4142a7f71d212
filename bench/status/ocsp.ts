/**
 * OCSP answers a second of the built service with its own PostgreSQL, fsync on: of some certificates again and again, of another
 * one each time, and with a nonce. Ends with 1 when an answer is not HTTP's 200, or there are fewer than 3,000 a second of those that are
 * asked for again and again.
 *
 * usage: npm run bench:ocsp [-- --seconds 8 --connections 64]
 */
import { X509Certificate } from 'node:crypto'
import { parseArgs } from 'node:util'
import { parseCertificate } from '../../src/pki/certificate/certificate.ts'
import {
  encodeExplicit,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../src/pki/der/writer.ts'
import { nameIssuer } from '../../src/pki/ocsp/certificate-id.ts'
import { drive } from '../support/load.ts'
import { startMintline } from '../support/mintline.ts'
import { assertThat, report } from '../support/report.ts'
import { makeRequests } from '../support/requests.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, connections: { type: 'string', default: '64' } }
})
const load = { seconds: Number(values.seconds), connections: Number(values.connections) }
/** More than it can answer. */
const answersPerSecond = 12_000
const count = load.seconds * answersPerSecond

const service = await startMintline()
const url = `http://127.0.0.1:${service.port}`
try {
  const issued = await issueSome(200)
  const ask = await askerOf('starter-g1')
  const random = () => crypto.getRandomValues(new Uint8Array(16)).with(0, 0x41)
  await measure(
    'hot',
    Array.from({ length: count }, (_, index) => ask(issued[index % issued.length]!))
  )
  await measure(
    'each',
    Array.from({ length: count }, () => ask(random()))
  )
  await measure(
    'nonce',
    Array.from({ length: count }, (_, index) => ask(issued[index % issued.length]!, random()))
  )
} finally {
  await service.stop()
}

async function measure(name: string, bodies: readonly Uint8Array[]): Promise<void> {
  const headers = { 'content-type': 'application/ocsp-request' }
  const target = { host: '127.0.0.1', port: service.port, path: '/v1/ocsp/starter-g1', headers }
  // Compiled, and with its responder.
  await drive(target, bodies.slice(0, 2_000), load)
  // Reading them starts anew.
  await longestStallMs()
  const before = service.threadMs()
  const result = await drive(target, bodies.slice(2_000), load)
  const threadUs = ((service.threadMs() - before) * 1000) / result.requests
  const stallMs = await longestStallMs()
  report(name, result, 200)
  // Of the wall clock: what else the machine does is in it.
  console.log(
    `         ${threadUs.toFixed(0)} us of the serving thread for one; longest stall ${stallMs.toFixed(1)} ms`
  )
  if (name === 'hot') assertThat(result.requests / result.seconds >= 3_000, '3,000 answers a second')
}

/** Since it was read last. */
async function longestStallMs(): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(metrics)![1]) * 1000
}

/** Serial numbers, as content octets. */
async function issueSome(number: number): Promise<readonly Uint8Array[]> {
  const serials: Uint8Array[] = []
  for (const body of makeRequests(number, 'ocsp')) {
    const { host, port, path, headers } = service.issuances
    const answer = await fetch(`http://${host}:${port}${path}`, {
      method: 'POST',
      headers: { ...headers, accept: 'application/pkix-cert' },
      body: Uint8Array.from(body)
    })
    serials.push(parseCertificate(new Uint8Array(await answer.arrayBuffer())).serialNumber)
  }
  return serials
}

async function askerOf(generation: string) {
  const chain = await (await fetch(`${url}/v1/authorities/${generation}/certificate`)).text()
  const { subjectName, subjectPublicKeyInfo } = parseCertificate(
    new Uint8Array(new X509Certificate(chain).raw)
  )
  const { sha1 } = nameIssuer({ subjectNameDer: subjectName.der, spkiDer: subjectPublicKeyInfo.der })
  const hash = encodeSequence(encodeObjectIdentifier('1.3.14.3.2.26'), encodeNull())
  const issuer = [encodeOctetString(sha1.nameHash), encodeOctetString(sha1.keyHash)]
  return (serialNumber: Uint8Array, nonce?: Uint8Array) => {
    const id = encodeSequence(hash, ...issuer, encodeUnsignedInteger(serialNumber))
    const list = encodeSequence(encodeSequence(id))
    if (nonce === undefined) return encodeSequence(encodeSequence(list))
    const extension = encodeSequence(
      encodeObjectIdentifier('1.3.6.1.5.5.7.48.1.2'),
      encodeOctetString(encodeOctetString(nonce))
    )
    return encodeSequence(encodeSequence(list, encodeExplicit(2, encodeSequence(extension))))
  }
}
