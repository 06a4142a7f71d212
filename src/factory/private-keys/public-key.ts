import {
  createPrivateKey,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  sign,
  verify
} from 'node:crypto'
import { readKeyParts } from './der.ts'
import { ecKeysOf, readOr, rsaPublicKey } from './key-objects.ts'
import { type SshKey, sshPrivateKey, sshPublicKey } from './ssh.ts'

export type JsonWebKey = JsonWebKeyInput['key']

/** A private key as it was found. */
export type FoundKey =
  | { readonly kind: 'der'; readonly der: Uint8Array }
  | { readonly kind: 'jwk'; readonly jwk: JsonWebKey }
  | { readonly kind: 'ssh'; readonly key: SshKey }
  /** It is there and cannot be read: encrypted, or damaged. */
  | { readonly kind: 'sealed'; readonly isPkcs12?: boolean }

/** What a private key says of its public half, as SubjectPublicKeyInfo in DER. */
export interface ReadKey {
  /** What was found does sign for these. More than one where the same key can be written for two algorithms. */
  readonly proven: readonly Uint8Array[]
  /** What stands beside it, which anybody can write there. */
  readonly claimed: readonly Uint8Array[]
}

/**
 * The public half of a private key, in the one form in which a CSR could have it: points uncompressed, curves by name,
 * RSA with NULL. Whoever knows a public key can put it into the file of another private one, so that a public half counts
 * as proven only where the private one has signed for it.
 */
export async function readPublicKey(found: FoundKey): Promise<ReadKey> {
  const { privateKeys, publicKeys } = candidatesOf(found)
  for (const key of privateKeys) {
    if (await isProven(key)) return { proven: formsOf(key), claimed: [] }
  }
  return { proven: [], claimed: [...privateKeys, ...publicKeys].flatMap(formsOf) }
}

interface Candidates {
  readonly privateKeys: readonly KeyObject[]
  readonly publicKeys: readonly KeyObject[]
}

function candidatesOf(found: FoundKey): Candidates {
  switch (found.kind) {
    case 'sealed':
      return { privateKeys: [], publicKeys: [] }
    case 'jwk':
      return {
        privateKeys: listOf(readOr(() => createPrivateKey({ key: found.jwk, format: 'jwk' }))),
        publicKeys: listOf(readOr(() => createPublicKey({ key: publicMembersOf(found.jwk), format: 'jwk' })))
      }
    case 'ssh':
      return {
        privateKeys: listOf(readOr(() => sshPrivateKey(found.key))),
        publicKeys: listOf(readOr(() => sshPublicKey(found.key)))
      }
    case 'der':
      return candidatesOfDer(found.der)
  }
}

/** With those of the private half it is read as a private key, and refused where the two do not fit. */
function publicMembersOf({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JsonWebKey
}

function candidatesOfDer(der: Uint8Array): Candidates {
  const key = Buffer.from(der)
  const forms = ['pkcs8', 'sec1', 'pkcs1'] as const
  const [whole] = forms.flatMap(type => listOf(readOr(() => createPrivateKey({ key, format: 'der', type }))))
  const parts = readKeyParts(der)
  // By its scalar alone, whatever point is beside it, and where the file is cut off.
  const derived = parts?.kind === 'ec' ? ecKeysOf(parts.scalar, parts.curveOid) : []
  const named = parts?.kind === 'rsa' ? readOr(() => rsaPublicKey(parts.modulus, parts.exponent)) : undefined
  return { privateKeys: [...listOf(whole), ...derived], publicKeys: listOf(named) }
}

const listOf = <Item>(item: Item | undefined) => (item === undefined ? [] : [item])

/** The longest that is certified; to sign with longer ones takes a second. */
const mostBits = 4_096
const challenge = Buffer.from('a private key that was sent by mistake')

/** Whether it signs for its public half. In a thread of the pool, so that it takes nobody's turn. */
async function isProven(key: KeyObject): Promise<boolean> {
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > mostBits) return false
  const algorithm = key.asymmetricKeyType?.startsWith('ed') === true ? null : 'sha256'
  try {
    const signature = await new Promise<Buffer>((resolve, reject) =>
      sign(algorithm, challenge, key, (error, made) => (error === null ? resolve(made) : reject(error)))
    )
    return verify(algorithm, challenge, createPublicKey(key), signature)
  } catch {
    return false
  }
}

function formsOf(key: KeyObject): readonly Uint8Array[] {
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
  if (parts?.kind !== 'rsa') return []
  return listOf(readOr(() => rsaPublicKey(parts.modulus, parts.exponent))).flatMap(formsOf)
}
