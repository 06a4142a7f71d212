import type { Principal } from '../../access/principal.ts'
import { actorOf, type AuditEvent, buildAuditEvent } from '../../audit/audit-event.ts'
import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import { blockedError, newKeyAdvice } from '../../factory/blocked-keys/blocked-key.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import type { Findings } from '../../factory/private-keys/find.ts'
import { findPrivateKeys, readPublicKeys, type Sent } from '../../factory/private-keys/private-keys.ts'
import { parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { verifyProofOfPossession } from '../../pki/csr/proof-of-possession.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { digestOf } from '../request.ts'
import type { KeptBody } from './kept-body.ts'
import type { RecordRefusal } from './refusal.ts'

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
   * Blocks every key whose public half can be told, and puts it on record that it was sent, without anything of it: as a
   * refusal where a certificate was asked for, else in the audit.
   *
   * @returns the error to answer with: `key_blocked`.
   */
  refuse(disclosure: Disclosure): Promise<MintlineError>
}

export interface DisclosureDependencies {
  readonly blockedKeys: Pick<BlockedKeys, 'blockDisclosed'>
  readonly recordRefusal: RecordRefusal
  readonly insertEvent: (event: AuditEvent) => Promise<void>
  /** What bodies are hashed with. */
  readonly readSalt: () => Promise<Uint8Array>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** More than one file holds; what is beyond it is refused all the same. */
const maximumKeys = 100

export function createDisclosures(dependencies: DisclosureDependencies): Disclosures {
  const { blockedKeys, recordRefusal, insertEvent, readSalt, clock, randomBytes } = dependencies

  async function block({ findings, principal, requestId }: Disclosure): Promise<MintlineError> {
    const { spkiSha256s, isAnySealed } = await keysOf(findings)
    // Without the token: that the key is known to the service is so, whatever became of the token.
    const act = { actor: actorOf(principal), requestId }
    const outcomes = []
    for (const spkiSha256 of spkiSha256s.slice(0, maximumKeys)) {
      outcomes.push(await blockedKeys.blockDisclosed(spkiSha256, act))
    }
    const uses = outcomes.flatMap(outcome => outcome.uses)
    const authorities = outcomes.flatMap(outcome => outcome.authorities)
    const sentences = sentencesOf({ isAnySealed, isAnyRead: spkiSha256s.length > 0, authorities, principal })
    const blocked = { reason: 'key_disclosed' as const, spkiSha256s, uses, asker: principal }
    return blockedError(sentences, blocked)
  }

  return {
    find: findPrivateKeys,
    async refuse(disclosure) {
      const { body, principal, requestId, route, issuance } = disclosure
      const error = await block(disclosure)
      const kept = withhold(body, await readSalt())
      if (issuance !== undefined) {
        const request = { csr: body, profile: issuance.profile, metadata: {}, station: principal, requestId }
        return recordRefusal(error, request, { profileVersion: null, authority: null, kept })
      }
      const after = {
        route,
        bodyLength: kept.bodyLength,
        saltedBodySha256: toHex(kept.bodySha256),
        spkiSha256: error.members['spkiSha256']
      }
      const what = {
        actor: actorOf(principal),
        requestId,
        act: 'key.disclose',
        subject: `request/${requestId}`,
        after
      }
      await insertEvent(buildAuditEvent(what, { time: clock(), randomBytes }))
      return error
    }
  }
}

/**
 * An encrypted key does not tell its public half. The CSR beside it does, where its signature proves that it was made with
 * a key, which is then taken for this one.
 */
async function keysOf(findings: Findings) {
  const { spkiSha256s, isAnySealed } = await readPublicKeys(findings)
  if (!isAnySealed) return { spkiSha256s, isAnySealed }
  const ofRequests = (await Promise.all(findings.others.map(spkiOfRequest))).filter(
    each => each !== undefined
  )
  const digests = new Map(
    [...spkiSha256s, ...ofRequests.map(digestOf)].map(digest => [String(digest), digest])
  )
  return { spkiSha256s: [...digests.values()], isAnySealed: ofRequests.length === 0 }
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

interface Told {
  readonly isAnyRead: boolean
  readonly isAnySealed: boolean
  readonly authorities: readonly string[]
  readonly principal: Principal
}

function sentencesOf({ isAnyRead, isAnySealed, authorities, principal }: Told): readonly string[] {
  const sentences = ['What was sent holds a private key. Nothing of it was kept.']
  if (isAnyRead) {
    sentences.push(
      'The key is known to this service now, so it is blocked: it is not certified, by whatever profile.'
    )
  }
  if (isAnySealed) {
    sentences.push(
      'One that is encrypted or damaged does not tell its public key, so that it could not be blocked: do not use it.'
    )
  }
  sentences.push(newKeyAdvice)
  if (authorities.length > 0 && principal.role !== 'station') {
    sentences.push(`It is the key of the authority ${authorities.join(', ')}: declare that compromised.`)
  }
  return sentences
}
