import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { encodeElement, encodeSequence, encodeUnsignedInteger } from '../../pki/der/writer.ts'
import { curveNames, ecKeyOf, rsaPublicKey } from './key-objects.ts'

/** A key in the forms of SSH, in its own words. */
export interface SshKey {
  /** The wire form of the public half (RFC 4253 §6.6, RFC 5656 §3.1), which is never encrypted. */
  readonly publicKey: Uint8Array
  /** The fields of the private half, where that is not encrypted. */
  readonly privateFields?: readonly Uint8Array[] | undefined
}

const latin1 = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString('latin1')
const base64Url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

/** The strings of RFC 4251 §5 that the bytes are made of, as far as they are whole. */
function readSshStrings(bytes: Uint8Array, start = 0, maximum = 8): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const strings: Uint8Array[] = []
  for (let at = start; at + 4 <= bytes.length && strings.length < maximum;) {
    const end = at + 4 + view.getUint32(at)
    if (end > bytes.length) break
    strings.push(bytes.subarray(at + 4, end))
    at = end
  }
  return strings
}

/**
 * Reads OpenSSH's file (PROTOCOL.key): cipher, key derivation and its options; how many keys there are, their public
 * halves, and the private ones: two check numbers, then type and fields.
 *
 * @param start behind the magic word.
 */
export function readOpensshKey(bytes: Uint8Array, start: number): SshKey | undefined {
  const head = readSshStrings(bytes, start, 3)
  const skipped = head.reduce((sum, { length }) => sum + 4 + length, start + 4)
  const [publicKey, section] = readSshStrings(bytes, skipped, 2)
  if (head.length < 3 || publicKey === undefined) return undefined
  if (latin1(head[0]) !== 'none' || section === undefined) return { publicKey }
  const [type, ...fields] = readSshStrings(section, 8)
  // The public half comes first, as it does in the wire form; an RSA key has its two numbers the other way round.
  const repeated = latin1(type) === 'ssh-rsa' ? 2 : readSshStrings(publicKey).length - 1
  return { publicKey, privateFields: fields.slice(repeated) }
}

const puttyLines = (text: string, name: string) => {
  const base64 = new RegExp(`${name}-Lines: \\d+\\s([A-Za-z0-9+/=\\s]*)`).exec(text)?.[1] ?? ''
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

/** Reads PuTTY's file, of version 2 or 3. */
export function readPuttyKey(text: string): SshKey | undefined {
  const publicKey = puttyLines(text, 'Public')
  if (publicKey.length === 0) return undefined
  if (!/^Encryption: none\s*$/m.test(text)) return { publicKey }
  return { publicKey, privateFields: readSshStrings(puttyLines(text, 'Private')) }
}

export function sshPublicKey({ publicKey }: SshKey): KeyObject | undefined {
  const fields = readSshStrings(publicKey)
  const type = latin1(fields[0])
  if (type === 'ssh-rsa') return rsaPublicKey(fields[2]!, fields[1]!)
  if (type === 'ssh-ed25519') {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64Url(fields[1]!) }, format: 'jwk' })
  }
  const crv = curveNames[latin1(fields[1])]
  const point = fields[2]
  if (crv === undefined || point?.[0] !== 0x04) return undefined
  const half = (point.length - 1) / 2
  const [x, y] = [base64Url(point.subarray(1, 1 + half)), base64Url(point.subarray(1 + half))]
  return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' })
}

/** Of what the file holds of the private half; whether the public one belongs to it is not looked at. */
export function sshPrivateKey({ publicKey, privateFields }: SshKey): KeyObject | undefined {
  const [first] = privateFields ?? []
  if (first === undefined) return undefined
  const fields = readSshStrings(publicKey)
  const type = latin1(fields[0])
  if (type === 'ssh-rsa') return rsaPrivateKey([fields[2]!, fields[1]!], privateFields!)
  if (type === 'ssh-ed25519') return ed25519Key(first.subarray(0, 32))
  return ecKeyOf(first, latin1(fields[1]))
}

/** RFC 8410 §7. */
function ed25519Key(seed: Uint8Array): KeyObject {
  const algorithm = encodeSequence(Uint8Array.of(0x06, 3, 0x2b, 0x65, 0x70))
  const privateKey = encodeElement(0x04, encodeElement(0x04, seed))
  const key = encodeSequence(encodeUnsignedInteger(Uint8Array.of(0)), algorithm, privateKey)
  return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' })
}

/** Of a modulus of 4,096 bits: no longer key is certified, and to reckon with one takes its time. */
const mostOctets = 513

/**
 * @param fields d, iqmp, p, q as OpenSSH has them, or d, p, q, iqmp as PuTTY has them.
 * @throws TypeError for a number that is too long, or where no two of the fields multiply to the modulus.
 */
function rsaPrivateKey([n, e]: readonly [Uint8Array, Uint8Array], fields: readonly Uint8Array[]): KeyObject {
  if ([n, e, ...fields].some(({ length }) => length > mostOctets))
    throw new TypeError('a number that is too long')
  const modulus = toInteger(n)
  const [d, ...others] = fields.map(toInteger)
  const [p, q] = [others.slice(1), others].find(([one, other]) => one! * other! === modulus)!
  const qi = others.find(each => (each * q!) % p! === 1n)!
  const numbers = {
    n: modulus,
    e: toInteger(e),
    d: d!,
    p: p!,
    q: q!,
    dp: d! % (p! - 1n),
    dq: d! % (q! - 1n),
    qi
  }
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toOctets(value)]))
  return createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' })
}

const toInteger = (octets: Uint8Array) => BigInt(`0x${Buffer.from(octets).toString('hex') || '0'}`)

function toOctets(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}
