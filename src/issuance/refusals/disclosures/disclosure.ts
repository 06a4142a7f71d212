import { hasToken, type Principal } from '../../../access/principal.ts'
import { actorOf } from '../../../audit/audit-event.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { isMintlineError, type MintlineError } from '../../../errors/mintline-error.ts'
import { blockedError } from '../../../factory/blocked-keys/blocked-key.ts'
import type { BlockedKeys } from '../../../factory/blocked-keys/blocked-keys.ts'
import type { Findings } from '../../../factory/private-keys/find.ts'
import { findPrivateKeys, readPublicKeys, type Sent } from '../../../factory/private-keys/private-keys.ts'
import { parseCertificationRequest } from '../../../pki/csr/certification-request.ts'
import { verifyProofOfPossession } from '../../../pki/csr/proof-of-possession.ts'
import { isEqual } from '../../../pki/der/octets.ts'
import { digestOf } from '../../request.ts'
import type { KeptBody } from '../kept-body.ts'
import type { RecordRefusal } from '../refusal.ts'
import type { StationLimits } from '../station-limits.ts'
import type { AuditDisclosure } from './audit.ts'
import { type DisclosedKeys, listingOf, sentencesOf } from './disclosed-keys.ts'

/** A request in which a private key was found. */
interface Disclosure {
  readonly findings: Findings
  /** All that was sent; nothing of it is kept. */
  readonly body: Uint8Array
  readonly principal: Principal
  readonly requestId: string
  /** What it was sent for, e.g. `POST /v1/profiles`. */
  readonly route: string
  /** Where it was a request for a certificate: the profile, if one can be told. */
  readonly issuance?: { readonly profile: string } | undefined
}

/** What becomes of private keys that are sent by mistake. */
export interface Disclosures {
  /** Undefined where there is no private key. */
  find(sent: Sent): Findings | undefined
  /**
   * Blocks every key that is proven to have been sent, and puts it on record that it was, without anything of it: as a
   * refusal where a certificate was asked for, else in the audit.
   *
   * @returns the error to answer with: `key_blocked`.
   */
  refuse(disclosure: Disclosure): Promise<MintlineError>
}

export interface DisclosureDependencies {
  readonly blockedKeys: Pick<BlockedKeys, 'blockDisclosed' | 'leaveOutKnown'>
  /** Of the keys that one client may have put on the list. */
  readonly blockLimits: StationLimits
  readonly recordRefusal: RecordRefusal
  readonly auditDisclosure: AuditDisclosure
  /** What bodies are hashed with. */
  readonly readSalt: () => Promise<Uint8Array>
  readonly log: Pick<DatabaseLog, 'warn'>
}

/** New ones that one client may have blocked in a minute; a row takes some 200 octets, and is there for ever. */
export const blocksPerMinute = 1_500

export function createDisclosures(dependencies: DisclosureDependencies): Disclosures {
  const { blockedKeys, blockLimits, recordRefusal, auditDisclosure, readSalt, log } = dependencies

  /** Those that are blocked, or have been; the others are beyond the limit. */
  async function withinLimit(proven: readonly Uint8Array[], actor: string) {
    const fresh = new Set(await blockedKeys.leaveOutKnown(proven))
    let taken = 0
    const isWithin = (spkiSha256: Uint8Array) => {
      if (!fresh.has(spkiSha256)) return true
      const admission = blockLimits.take(actor)
      if (admission === 'limit-began')
        log.warn({ actor }, 'sends more private keys than are blocked in a minute')
      if (admission === 'within') taken++
      return admission === 'within'
    }
    const { blocked = [], beyond = [] } = Object.groupBy(proven, each =>
      isWithin(each) ? 'blocked' : 'beyond'
    )
    return { blocked, beyond, taken }
  }

  async function block({ findings, principal, requestId }: Disclosure) {
    const { proven, claimed, isAnySealed } = await keysOf(findings)
    const actor = actorOf(principal)
    const { blocked, beyond, taken } = await withinLimit(proven, actor)
    // Without the token: that the key is known to the service is so, whatever became of the token.
    const { uses, authorities } = await blockedKeys
      .blockDisclosed(blocked, { actor, requestId })
      .catch((failure: unknown) => {
        for (let share = 0; share < taken; share++) blockLimits.giveBack(actor)
        throw failure
      })
    const isAnyPkcs12 = findings.keys.some(key => key.kind === 'sealed' && key.isPkcs12 === true)
    const keys: DisclosedKeys = { blocked, claimed, beyond, isAnySealed, isAnyPkcs12 }
    const sentences = sentencesOf(keys, { authorities, principal })
    const reason = 'key_disclosed' as const
    const error = blockedError(sentences, { reason, listing: listingOf(keys), uses, asker: principal })
    return { error, keys }
  }

  return {
    find: findPrivateKeys,
    async refuse(disclosure) {
      const { body, principal, requestId, route, issuance } = disclosure
      const { error, keys } = await block(disclosure)
      const kept = withhold(body, await readSalt())
      if (issuance === undefined || !hasToken(principal)) {
        return auditDisclosure(error, { route, principal, requestId, kept, listing: listingOf(keys) })
      }
      const request = { csr: body, profile: issuance.profile, metadata: {}, station: principal, requestId }
      return recordRefusal(error, request, { profileVersion: null, authority: null, kept })
    }
  }
}

/**
 * An encrypted key does not tell its public half. The CSR beside it does, if it is the CSR of this key: its signature
 * proves who made it, and not who sends it.
 */
async function keysOf(findings: Findings) {
  const { proven, claimed, isAnySealed } = await readPublicKeys(findings)
  if (!isAnySealed) return { proven, claimed, isAnySealed }
  const requests = (await Promise.all(findings.others.map(spkiOfRequest))).filter(each => each !== undefined)
  const isNew = (digest: Uint8Array) => ![...proven, ...claimed].some(each => isEqual(each, digest))
  const ofRequests = requests.map(digestOf).filter(isNew)
  return { proven, claimed: [...claimed, ...ofRequests], isAnySealed: ofRequests.length === 0 }
}

async function spkiOfRequest(der: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    const request = parseCertificationRequest(der)
    await verifyProofOfPossession(request)
    return request.spkiDer
  } catch (error) {
    if (isMintlineError(error)) return undefined
    throw error
  }
}

/** Nothing of the body; its length, and a hash that tells whether it is a body that somebody has at hand. */
function withhold(body: Uint8Array, salt: Uint8Array) {
  return {
    csr: new Uint8Array(),
    bodyLength: body.length,
    bodySha256: digestOf(Buffer.concat([salt, body])),
    withheld: 'private_key'
  } satisfies KeptBody
}
