/**
 * What the checks of RSA keys take, and the comparison of many of them:
 *
 *   npx node bench/keys.ts [moduli]
 *
 * The moduli are products of two random odd numbers of 1024 bits: making primes would take longer than comparing them. Ten
 * of them have a factor in common with another.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { compareModuli } from '../src/factory/key-audit/comparison.ts'
import { createDerRefusal, DerReader } from '../src/pki/der/reader.ts'
import { unsignedBigInt } from '../src/pki/key/elliptic-curve.ts'
import { parseSubjectPublicKeyInfo } from '../src/pki/key/public-key.ts'
import { modulusFault } from '../src/pki/key/rsa-modulus.ts'

const count = Number(process.argv[2] ?? 100_000)

function modulusOf(bits: number): bigint {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const { key } = parseSubjectPublicKeyInfo(new DerReader(der, createDerRefusal('csr_malformed', 'key')))
  if (key.type !== 'rsa') throw new TypeError('not an RSA key')
  return unsignedBigInt(key.modulus)
}

/** What one takes of the processor, in microseconds. */
function microsecondsOf(work: () => unknown, rounds: number): number {
  for (let i = 0; i < rounds / 10; i++) work()
  const before = process.threadCpuUsage()
  for (let i = 0; i < rounds; i++) work()
  const { user, system } = process.threadCpuUsage(before)
  return Math.round((user + system) / rounds)
}

for (const bits of [2048, 3072, 4096]) {
  const modulus = modulusOf(bits)
  console.log(
    `RSA-${bits}: ${microsecondsOf(() => modulusFault(modulus), 2_000)} µs for the checks of a modulus`
  )
}

const oddNumber = () => {
  const octets = randomBytes(128)
  octets[0]! |= 0xc0
  octets[127]! |= 1
  return unsignedBigInt(octets)
}
const moduli = Array.from({ length: count }, () => oddNumber() * oddNumber())
const planted = oddNumber()
const places = Array.from({ length: 10 }, (_, i) => Math.floor(((i + 0.5) * count) / 10))
for (const place of places) moduli[place] = planted * oddNumber()

let peak = 0
const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 100)
const begin = performance.now()
const cpu = process.cpuUsage()
const factors = await compareModuli(moduli, {
  onProgress: done => process.stderr.write(`\r${Math.round(done * 100)} %`)
})
const { user, system } = process.cpuUsage(cpu)
clearInterval(watch)
const found = places.filter(place => factors[place]! % planted === 0n).length
console.log(
  `\n${count} moduli of 2048 bits: ${((performance.now() - begin) / 1000).toFixed(1)} s, ` +
    `${((user + system) / 1e6).toFixed(1)} s of processors, RSS at most ${Math.round(peak / 1e6)} MB, ` +
    `${found} of 10 planted ones found`
)
