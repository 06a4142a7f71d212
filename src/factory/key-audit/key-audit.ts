import { isMintlineError } from '../../errors/mintline-error.ts'
import { type CertificationRequest, parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { unsignedBigInt } from '../../pki/key/elliptic-curve.ts'
import { assertKeyAllowed, type KeyPolicy } from '../../pki/key/public-key.ts'
import type { KeyWeakness } from '../../pki/key/rsa-modulus.ts'
import { subjectOf } from '../../pki/name/name.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import type { WeakKeys } from '../weak-keys/weak-keys.ts'
import type { AuditStore, HolderOnRecord, KeyOnRecord } from './audit-store.ts'
import { compareModuli, type ComparisonOptions } from './comparison.ts'
import { groupBySharedPrime } from './groups.ts'

/** A key that something is wrong with, by the issuance that has it first. */
export interface AuditedKey extends Omit<HolderOnRecord, 'csrDer'> {
  readonly subject: Subject
}

/** Whose private keys anybody can compute. Never the factor: that is the private key. */
export type KeyFinding =
  /** They have a prime in common. */
  | { readonly kind: 'shared-factor'; readonly keys: readonly AuditedKey[] }
  /** Different keys by their digests, with the same modulus. */
  | { readonly kind: 'same-modulus'; readonly keys: readonly AuditedKey[] }
  /** One that would be refused today. */
  | {
      readonly kind: 'weak'
      readonly weaknesses: readonly KeyWeakness[]
      readonly keys: readonly AuditedKey[]
    }

export interface KeyAuditReport {
  /** How many different RSA keys are on record. */
  readonly keys: number
  /** How many could not be read; their records are damaged. */
  readonly unreadable: number
  readonly findings: readonly KeyFinding[]
}

export interface KeyAuditDependencies {
  readonly store: AuditStore
  readonly weakKeys: Pick<WeakKeys, 'assertUnlisted'>
  readonly onRead?: (keys: number) => void
  readonly comparison?: ComparisonOptions
}

/** Looks through the RSA keys of all issuances on record, whatever became of them. Changes nothing. */
export async function auditKeys(dependencies: KeyAuditDependencies): Promise<KeyAuditReport> {
  const { store, comparison } = dependencies
  const { bySpki, byModulus, weak, unreadable } = await collect(dependencies)
  const moduli = [...byModulus.keys()]
  const factors = await compareModuli(moduli, comparison)
  const sharings = moduli.flatMap((modulus, i) => {
    const factor = factors[i]!
    return factor === 1n ? [] : [{ modulus, factor }]
  })
  const groups = groupBySharedPrime(sharings)
  const plain: PlainFinding[] = [
    ...groups.map(group => {
      const ids = group.flatMap(position => byModulus.get(sharings[position]!.modulus)!)
      return { kind: 'shared-factor' as const, ids }
    }),
    ...[...byModulus.values()]
      .filter(ids => ids.length > 1)
      .map(ids => ({ kind: 'same-modulus' as const, ids })),
    ...weak.map(({ id, weaknesses }) => ({ kind: 'weak' as const, weaknesses, ids: [id] }))
  ]
  return { keys: bySpki.size, unreadable, findings: await describe(store, plain) }
}

type PlainFinding = { readonly ids: readonly string[] } & (
  | { readonly kind: 'shared-factor' | 'same-modulus' }
  | { readonly kind: 'weak'; readonly weaknesses: readonly KeyWeakness[] }
)

/** All sizes that there may ever have been: what is looked for is weakness, and not what a policy says today. */
const anyRsa: KeyPolicy = { rsa: { minimumBits: 2048, maximumBits: 4096 } }

interface Collected {
  readonly bySpki: Set<string>
  /** The issuances, one of each key. */
  readonly byModulus: Map<bigint, string[]>
  readonly weak: { readonly id: string; readonly weaknesses: readonly KeyWeakness[] }[]
  unreadable: number
}

async function collect({ store, weakKeys, onRead }: KeyAuditDependencies): Promise<Collected> {
  const collected: Collected = { bySpki: new Set(), byModulus: new Map(), weak: [], unreadable: 0 }
  for await (const page of store.readRsaKeys()) {
    for (const key of page) add(collected, key, weakKeys)
    onRead?.(collected.bySpki.size)
  }
  return collected
}

function add(
  collected: Collected,
  { issuanceId, spkiSha256, csrDer }: KeyOnRecord,
  weakKeys: KeyAuditDependencies['weakKeys']
): void {
  const { bySpki, byModulus, weak } = collected
  const digest = toHex(spkiSha256)
  if (bySpki.has(digest)) return
  const request = readRequest(csrDer)
  if (request === undefined) return void collected.unreadable++
  const { publicKey } = request
  if (publicKey.type !== 'rsa') return
  bySpki.add(digest)
  const modulus = unsignedBigInt(publicKey.modulus)
  byModulus.set(modulus, [...(byModulus.get(modulus) ?? []), issuanceId])
  const weaknesses = [
    ...weaknessesIn(() => assertKeyAllowed(publicKey, anyRsa)),
    ...weaknessesIn(() => weakKeys.assertUnlisted(request))
  ]
  if (weaknesses.length > 0) weak.push({ id: issuanceId, weaknesses })
}

/** What was recorded could be read then; what cannot be now was changed in the database. */
function readRequest(csrDer: Uint8Array): CertificationRequest | undefined {
  try {
    return parseCertificationRequest(csrDer)
  } catch (error) {
    if (isMintlineError(error)) return undefined
    throw error
  }
}

function weaknessesIn(assert: () => void): readonly KeyWeakness[] {
  try {
    assert()
    return []
  } catch (error) {
    if (!isMintlineError(error, 'key_refused')) throw error
    return (error.members['weaknesses'] as readonly KeyWeakness[] | undefined) ?? []
  }
}

async function describe(
  store: Pick<AuditStore, 'findHolders'>,
  plain: readonly PlainFinding[]
): Promise<readonly KeyFinding[]> {
  const ids = [...new Set(plain.flatMap(finding => finding.ids))]
  const holders = await store.findHolders(ids)
  const byId = new Map(holders.map(holder => [holder.issuanceId, toKey(holder)]))
  return plain.map(({ ids: held, ...finding }) => ({
    ...finding,
    keys: held.flatMap(id => byId.get(id) ?? [])
  }))
}

function toKey({ csrDer, ...holder }: HolderOnRecord): AuditedKey {
  const { subject } = parseCertificationRequest(csrDer)
  return { ...holder, subject: subjectOf({ attributes: subject }) }
}
