import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { assertDerForm } from '../der/form.ts'
import type { DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  type Curve,
  curveOfOid,
  isPointInOtherForm,
  otherCurveName,
  pointFault,
  unsignedBigInt
} from './elliptic-curve.ts'
import { type KeyWeakness, modulusFault } from './rsa-modulus.ts'

export interface EcPublicKey {
  readonly type: 'ec'
  readonly curve: Curve
  /** The encoded point as it stands in the key; `assertKeyAllowed` checks it. */
  readonly point: Uint8Array
}

export interface RsaPublicKey {
  readonly type: 'rsa'
  /** Big-endian, without a leading zero octet. */
  readonly modulus: Uint8Array
  readonly publicExponent: Uint8Array
  readonly modulusBits: number
}

/** A key that is well-formed as a SubjectPublicKeyInfo but of no kind that Mintline certifies. */
interface UnsupportedPublicKey {
  readonly type: 'unsupported'
  /** A readable name, e.g. `Ed25519` or `EC on secp256k1`. */
  readonly found: string
  /** How the same key is to be written so that it can be certified; undefined where another key is needed. */
  readonly rewrite?: string | undefined
}

export type PublicKey = EcPublicKey | RsaPublicKey | UnsupportedPublicKey

export interface SubjectPublicKeyInfo {
  readonly der: Uint8Array
  /** The octets of the subjectPublicKey BIT STRING: what a SubjectKeyIdentifier is made of. */
  readonly subjectPublicKey: Uint8Array
  readonly key: PublicKey
}

/** The accepted keys of a profile: what is not listed is refused. */
export interface KeyPolicy {
  readonly ec?: { readonly curves: readonly Curve[] } | undefined
  readonly rsa?: { readonly minimumBits: number; readonly maximumBits: number } | undefined
}

/** What any policy stays within: AWS IoT takes no less, and above this verification gets slow. */
const rsaLimits = { minimumBits: 2048, maximumBits: 4096 } as const

const keyTypeNames: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.10', 'RSASSA-PSS (a key for PSS alone works with AWS IoT over TLS 1.3 only)'],
  ['1.2.840.113549.1.1.7', 'RSAES-OAEP'],
  ['1.2.840.10040.4.1', 'DSA'],
  ['1.2.840.10046.2.1', 'Diffie-Hellman'],
  ['1.3.101.110', 'X25519'],
  ['1.3.101.111', 'X448'],
  ['1.3.101.112', 'Ed25519'],
  ['1.3.101.113', 'Ed448'],
  ['2.16.840.1.101.3.4.3.17', 'ML-DSA-44'],
  ['2.16.840.1.101.3.4.3.18', 'ML-DSA-65'],
  ['2.16.840.1.101.3.4.3.19', 'ML-DSA-87']
])

const nameTheCurve =
  'If the curve is P-256, P-384 or P-521, the key is fine: write the curve as its object identifier (namedCurve, RFC 5480 §2.1.1).'
const writeTheNull =
  'The key is fine: write NULL behind the rsaEncryption identifier of the public key (RFC 3279 §2.3.1).'
const writeThePointWhole =
  'The key is fine: write its point uncompressed, 04 and both coordinates (RFC 5480 §2.2).'

/** Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 5480 §2, RFC 3279 §2.3.1). Refuses bad structure alone. */
export function parseSubjectPublicKeyInfo(reader: DerReader): SubjectPublicKeyInfo {
  const element = reader.readTagged(tags.sequence, 'subjectPublicKeyInfo')
  const info = reader.enter(element)
  const algorithm = info.readSequence('the public key algorithm')
  const oid = algorithm.readObjectIdentifier('the public key algorithm')
  const keyBits = info.enterBitString('subjectPublicKey')
  info.assertEnd('subjectPublicKeyInfo')
  const subjectPublicKey = keyBits.rest
  return { der: reader.encoding(element), subjectPublicKey, key: parseKey(oid, algorithm, keyBits) }
}

function parseKey(oid: string, parameters: DerReader, keyBits: DerReader): PublicKey {
  switch (oid) {
    case '1.2.840.10045.2.1':
      return parseEcKey(parameters, keyBits)
    case '1.2.840.113549.1.1.1':
      return parseRsaKey(parameters, keyBits)
    default:
      assertDerForm(parameters)
      return { type: 'unsupported', found: keyTypeNames.get(oid) ?? `the key type ${oid}` }
  }
}

function parseEcKey(parameters: DerReader, keyBits: DerReader): PublicKey {
  if (parameters.peekTag() !== tags.objectIdentifier) {
    assertDerForm(parameters)
    return { type: 'unsupported', found: 'an EC key without a named curve', rewrite: nameTheCurve }
  }
  const oid = parameters.readObjectIdentifier('the named curve')
  parameters.assertEnd('the public key algorithm')
  const curve = curveOfOid(oid)
  if (curve === undefined) return { type: 'unsupported', found: `an EC key on ${otherCurveName(oid)}` }
  return { type: 'ec', curve, point: keyBits.rest }
}

function parseRsaKey(parameters: DerReader, keyBits: DerReader): PublicKey {
  const rsaPublicKey = keyBits.readSequence('RSAPublicKey')
  keyBits.assertEnd('subjectPublicKey')
  const modulus = rsaPublicKey.readUnsignedInteger('the modulus')
  const publicExponent = rsaPublicKey.readUnsignedInteger('the public exponent')
  rsaPublicKey.assertEnd('RSAPublicKey')
  if (parameters.peekTag() !== tags.null) {
    assertDerForm(parameters)
    return { type: 'unsupported', found: 'rsaEncryption without its NULL parameters', rewrite: writeTheNull }
  }
  parameters.readNull('the rsaEncryption parameters')
  parameters.assertEnd('the public key algorithm')
  // Math.clz32 counts from 32 bits; the top octet has 8.
  const modulusBits = modulus.length * 8 - (Math.clz32(modulus[0] as number) - 24)
  return { type: 'rsa', modulus, publicExponent, modulusBits }
}

/**
 * Throws `key_refused` for what no policy can accept and what would be a hazard to verify with: kinds of keys, RSA
 * numbers so large that a verification could be made to take long, exponents and moduli with which a signature proves
 * nothing. Cheap; to be called before any use of the key.
 */
export function assertKeySupported(key: PublicKey): asserts key is EcPublicKey | RsaPublicKey {
  throwUnsupported(key)
  if (key.type === 'ec') return
  const faults: Fault[] = []
  if (key.modulusBits > rsaLimits.maximumBits) faults.push(sizeViolation(key, rsaLimits))
  if (isEven(key.modulus)) faults.push(modulusViolation('small-factor', 'an even modulus'))
  throwViolations([...faults, ...exponentViolations(key)], undefined)
}

/**
 * Throws `key_refused` with all violations unless the policy lists the key and the key is sound: an EC point
 * uncompressed and on its curve; an RSA modulus of the allowed size, odd, without known weakness; an odd exponent
 * 65537 ≤ e < 2^256 (FIPS 186-5 §A.1.1). `members.weaknesses` names the tests that it fails (`KeyWeakness`), where it
 * is weak and not only of another kind than the policy's.
 */
export function assertKeyAllowed(
  key: PublicKey,
  policy: KeyPolicy
): asserts key is EcPublicKey | RsaPublicKey {
  throwUnsupported(key)
  const violations = key.type === 'ec' ? ecViolations(key, policy.ec) : rsaViolations(key, policy.rsa)
  const isOtherForm = violations.length === 1 && key.type === 'ec' && isPointInOtherForm(key.curve, key.point)
  throwViolations(violations, isOtherForm ? writeThePointWhole : undefined)
}

/**
 * The refusal of a key whose digest is on a list of those that are known to others.
 *
 * @param list what kind of list it is on, for people.
 */
export function knownWeakKey(list: string): MintlineError {
  const found = `one on ${list}`
  const fault = {
    ...violation('/publicKey', 'a key that nobody else knows', found),
    weakness: 'known-weak' as const
  }
  return refusalOf([fault], undefined)
}

interface Fault extends Violation {
  readonly weakness?: KeyWeakness | undefined
}

function throwUnsupported(key: PublicKey): asserts key is EcPublicKey | RsaPublicKey {
  if (key.type !== 'unsupported') return
  const expected = 'an EC key on P-256, P-384 or P-521, or an RSA key'
  throw refusalOf([violation('/publicKey', expected, key.found)], key.rewrite)
}

function ecViolations(key: EcPublicKey, policy: KeyPolicy['ec']): readonly Violation[] {
  if (policy === undefined) return [violation('/publicKey', 'an RSA key', `an EC key on ${key.curve}`)]
  const violations: Violation[] = []
  if (!policy.curves.includes(key.curve)) {
    violations.push(violation('/publicKey/curve', policy.curves.join(' or '), key.curve))
  }
  const fault = pointFault(key.curve, key.point)
  if (fault !== undefined) {
    violations.push(violation('/publicKey/point', `an uncompressed point on ${key.curve}`, fault))
  }
  return violations
}

function rsaViolations(key: RsaPublicKey, policy: KeyPolicy['rsa']): readonly Fault[] {
  if (policy === undefined)
    return [violation('/publicKey', 'an EC key', `an RSA key of ${key.modulusBits} bits`)]
  const limits = {
    minimumBits: Math.max(policy.minimumBits, rsaLimits.minimumBits),
    maximumBits: Math.min(policy.maximumBits, rsaLimits.maximumBits)
  }
  const isSizeAllowed = key.modulusBits >= limits.minimumBits && key.modulusBits <= limits.maximumBits
  const ofModulus = isSizeAllowed ? modulusViolations(key) : [sizeViolation(key, limits)]
  return [...ofModulus, ...exponentViolations(key)]
}

function modulusViolations({ modulus }: RsaPublicKey): readonly Fault[] {
  const fault = modulusFault(unsignedBigInt(modulus))
  return fault === undefined ? [] : [modulusViolation(fault.weakness, fault.found)]
}

function modulusViolation(weakness: KeyWeakness, found: string): Fault {
  return { ...violation('/publicKey/modulus', 'the product of two large random primes', found), weakness }
}

function isEven(octets: Uint8Array): boolean {
  return octets.at(-1)! % 2 === 0
}

function sizeViolation(key: RsaPublicKey, limits: { minimumBits: number; maximumBits: number }): Violation {
  const expected =
    limits.minimumBits === limits.maximumBits
      ? `a modulus of ${limits.minimumBits} bits`
      : `a modulus of ${limits.minimumBits} to ${limits.maximumBits} bits`
  return violation('/publicKey/modulus', expected, `${key.modulusBits} bits`)
}

function exponentViolations({ publicExponent }: RsaPublicKey): readonly Fault[] {
  const isLong = publicExponent.length > 32
  const isWeak = isEven(publicExponent) || (!isLong && unsignedBigInt(publicExponent) < 65537n)
  if (!isLong && !isWeak) return []
  const found =
    publicExponent.length <= 6 ? String(unsignedBigInt(publicExponent)) : `${publicExponent.length * 8} bits`
  const fault = violation('/publicKey/publicExponent', 'an odd exponent from 65537 to below 2^256', found)
  return [{ ...fault, ...(isWeak && { weakness: 'exponent' }) }]
}

function violation(pointer: string, expected: string, found: string): Violation {
  return { pointer, expected, found, message: `Expected ${expected}; found ${found}.` }
}

/** `rewrite`: how the same key can be certified; else another one is needed. */
function throwViolations(faults: readonly Fault[], rewrite: string | undefined): void {
  if (faults.length > 0) throw refusalOf(faults, rewrite)
}

function refusalOf(faults: readonly Fault[], rewrite: string | undefined): MintlineError {
  const violations = faults.map(({ weakness: _, ...broken }) => broken)
  const weaknesses = faults.flatMap(({ weakness }) => weakness ?? [])
  const reasons = violations.map(({ message }) => message).join(' ')
  const advice =
    rewrite === undefined ? 'Make a new key pair and CSR.' : `${rewrite} Then make the CSR again.`
  const detail = `The public key is refused: ${reasons} ${advice}`
  return new MintlineError('key_refused', detail, {
    violations,
    ...(weaknesses.length > 0 && { members: { weaknesses } })
  })
}
