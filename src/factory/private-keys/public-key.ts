import { createPrivateKey, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import { encodeElement, encodeSequence, encodeUnsignedInteger } from '../../pki/der/writer.ts'
import { readKeyParts } from './der.ts'

export type JsonWebKey = JsonWebKeyInput['key']

/** A private key as it was found. */
export type FoundKey =
  | { readonly kind: 'der'; readonly der: Uint8Array }
  | { readonly kind: 'jwk'; readonly jwk: JsonWebKey }
  /** Its public half in the form of SSH's wire protocol (RFC 4253 §6.6, RFC 5656 §3.1), which is never encrypted. */
  | { readonly kind: 'ssh'; readonly publicKey: Uint8Array }
  /** It is there and cannot be read: encrypted, or damaged. */
  | { readonly kind: 'sealed' }

/**
 * The SubjectPublicKeyInfo of a private key, in the one form in which a CSR could have it: points uncompressed, curves
 * by name, RSA with NULL. More than one where the same key can be written for two algorithms; none where the public key
 * cannot be told.
 */
export function publicKeysOf(found: FoundKey): readonly Uint8Array[] {
  switch (found.kind) {
    case 'sealed':
      return []
    case 'jwk':
      return formsOf(readOr(() => createPublicKey({ key: found.jwk, format: 'jwk' })))
    case 'ssh':
      return formsOf(readOr(() => readSshPublicKey(found.publicKey)))
    case 'der':
      return publicKeysOfDer(found.der)
  }
}

function publicKeysOfDer(der: Uint8Array): readonly Uint8Array[] {
  const key = Buffer.from(der)
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    const forms = formsOf(readOr(() => createPrivateKey({ key, format: 'der', type })))
    if (forms.length > 0) return forms
  }
  const parts = readKeyParts(der)
  if (parts === undefined) return []
  if (parts.kind === 'rsa') return formsOf(readOr(() => rsaKey(parts.modulus, parts.exponent)))
  const curves = parts.curveOid === undefined ? curveOids : [parts.curveOid]
  for (const curve of curves) {
    const forms = formsOf(readOr(() => ecKey(parts.scalar, curve)))
    if (forms.length > 0) return forms
  }
  return []
}

function formsOf(key: KeyObject | undefined): readonly Uint8Array[] {
  if (key === undefined) return []
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  if (key.type === 'private' && key.asymmetricKeyType === 'rsa-pss') return [spki, ...rsaFormOfPss(key)]
  // The point as a file has it may be compressed, and the curve spelt out. A JWK knows neither.
  const jwk = readOr(() => publicKey.export({ format: 'jwk' }))
  const plain = jwk && readOr(() => createPublicKey({ key: jwk, format: 'jwk' }))
  return [plain === undefined ? spki : new Uint8Array(plain.export({ type: 'spki', format: 'der' }))]
}

/** The same numbers under rsaEncryption, as which a CSR could bring them. */
function rsaFormOfPss(key: KeyObject): readonly Uint8Array[] {
  const parts = readKeyParts(new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })))
  return parts?.kind === 'rsa' ? formsOf(readOr(() => rsaKey(parts.modulus, parts.exponent))) : []
}

const base64Url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

function rsaKey(modulus: Uint8Array, exponent: Uint8Array): KeyObject {
  const [n, e] = [base64Url(withoutLeadingZero(modulus)), base64Url(withoutLeadingZero(exponent))]
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
}

function withoutLeadingZero(octets: Uint8Array): Uint8Array {
  return octets[0] === 0 ? octets.subarray(1) : octets
}

/** P-256, P-384 and P-521, each as an object identifier. */
const curveOids = ['06082a8648ce3d030107', '06052b81040022', '06052b81040023'].map(hex =>
  Uint8Array.from(Buffer.from(hex, 'hex'))
)
const scalarLengths = [32, 48, 66]

function ecKey(scalar: Uint8Array, curveOid: Uint8Array): KeyObject {
  const length = scalarLengths[curveOids.findIndex(known => known === curveOid)]
  if (length !== undefined && length !== scalar.length) throw new TypeError('a scalar of another curve')
  const key = encodeSequence(
    encodeUnsignedInteger(Uint8Array.of(1)),
    encodeElement(0x04, scalar),
    encodeElement(0xa0, curveOid)
  )
  return createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'sec1' })
}

const sshCurves: Readonly<Record<string, string>> = {
  nistp256: 'P-256',
  nistp384: 'P-384',
  nistp521: 'P-521'
}

function readSshPublicKey(bytes: Uint8Array): KeyObject | undefined {
  const fields = readSshStrings(bytes)
  const type = Buffer.from(fields[0] ?? []).toString('latin1')
  if (type === 'ssh-rsa') return rsaKey(fields[2]!, fields[1]!)
  if (type === 'ssh-ed25519') {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64Url(fields[1]!) }, format: 'jwk' })
  }
  const crv = sshCurves[Buffer.from(fields[1] ?? []).toString('latin1')]
  const point = fields[2]
  if (crv === undefined || point?.[0] !== 0x04) return undefined
  const half = (point.length - 1) / 2
  const [x, y] = [base64Url(point.subarray(1, 1 + half)), base64Url(point.subarray(1 + half))]
  return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' })
}

/** The strings of RFC 4251 §5 that the bytes are made of, as far as they are whole. */
export function readSshStrings(bytes: Uint8Array, start = 0, maximum = 8): readonly Uint8Array[] {
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

/** What cannot be read is no error here: its bytes are foreign, and it is refused all the same. */
function readOr<Read>(read: () => Read): Read | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
