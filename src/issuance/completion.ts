import type { IssuingAuthority } from '../authorities/authority.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import type { PredictedThing } from '../jitp/evaluation/prediction.ts'
import type { TbsCertificate } from '../pki/certificate/certificate.ts'
import { belowViolations } from '../pki/path/issuing-path.ts'
import type { SignedCertificate } from '../records/record-model.ts'
import type { Durable } from '../signing/durable.ts'
import { signDurable, type ToBeSigned } from '../signing/sign-durable.ts'
import type { Clock } from '../sources/clock.ts'
import type { Cycle } from './commit/cycle.ts'
import { digestOf } from './request.ts'

export interface CompletionDependencies {
  readonly cycle: Pick<Cycle, 'commitCertificate'>
  /** Declares an intent void whose certificate would be of no use, so that its device and key are free. */
  readonly endRefused: (intentId: string, reason: string) => Promise<void>
  readonly clock: Clock
}

/** What AWS IoT will make of the signed certificate. */
type PredictThing = (certificateDer: Uint8Array) => PredictedThing | null

interface Completed extends SignedCertificate {
  /** False when another process had recorded a certificate of this intent first; then that one counts. */
  readonly recorded: boolean
}

interface CompletionOrder {
  readonly intent: Durable<ToBeSigned>
  readonly authority: IssuingAuthority
  /** Of bytes that were read back; see `SigningOrder`. */
  readonly judgement: (tbsDer: Uint8Array) => void
  /** What stands in the intent. Called of what passed `judgement`. */
  readonly readTbs: () => TbsCertificate
  readonly predictThing: PredictThing
}

/** The second half of the cycle: from a durable intent to a recorded certificate. */
export interface Completion {
  /**
   * Signs, verifies and records. May be called again for the same intent after a failure or a crash: the bytes to
   * be signed are the same, and the database takes one certificate per intent. Calls that overlap share one signature.
   */
  complete(order: CompletionOrder): Promise<Completed>
  /** Resolves, never rejects, when this process is not or no longer at work on the intent. */
  underWay(intentId: string): Promise<void>
  /** True when the last completion of the intent was of this process, and failed. */
  hasFailed(intentId: string): boolean
  /** Resolves, never rejects, when nothing is under way. */
  settled(): Promise<void>
}

/** Intents whose completion failed here. Beyond these the oldest are forgotten: their retries wait as for another process. */
const maximumFailed = 10_000

/** The station asked for it at the moment of the act; what it asks for next is a new intent. */
export function declaredVoid(intentId: string): MintlineError {
  return new MintlineError(
    'overloaded',
    `The intent ${intentId} was declared void at this moment. Send the CSR again.`,
    { retryAfterSeconds: 1 }
  )
}

/** By the same rules as before the first use. @throws MintlineError `certificate_mismatch`: it must not leave the process. */
function assertBelow(tbs: TbsCertificate, { name, path }: IssuingAuthority): void {
  const [violation] = belowViolations(tbs, path)
  if (violation === undefined) return
  const detail = `The signed certificate could not be verified below ${name}: ${violation.message}`
  throw new MintlineError('certificate_mismatch', detail)
}

export function createCompletion({ cycle, endRefused, clock }: CompletionDependencies): Completion {
  const inHand = new Map<string, Promise<Completed>>()
  const failed = new Set<string>()

  function rememberFailure(intentId: string): void {
    failed.add(intentId)
    const [oldest] = failed
    if (failed.size > maximumFailed && oldest !== undefined) failed.delete(oldest)
  }

  async function signAndRecord(order: CompletionOrder): Promise<Completed> {
    const { intent, authority, judgement, readTbs, predictThing } = order
    const { signer, publicKey: issuerPublicKey } = authority
    // A crash from here to the commit below leaves an open intent, which the station's retry completes.
    const certificateDer = await signDurable({ intent, signer, issuerPublicKey, judgement }).catch(
      (error: unknown) => {
        throw isMintlineError(error, 'certificate_mismatch') ? authority.distrust(error) : error
      }
    )
    assertBelow(readTbs(), authority)
    const thing = await predicted(intent.id, () => predictThing(certificateDer))
    const certificateId = digestOf(certificateDer)
    const signed = { intentId: intent.id, certificateDer, certificateId, issuedAt: clock(), thing }
    const { kind } = await cycle.commitCertificate(signed)
    if (kind === 'void') throw declaredVoid(intent.id)
    // A crash after this line costs the station its answer; its retry gets these bytes, or is told that they were revoked.
    return { ...signed, recorded: kind === 'recorded' }
  }

  /** Pre-flight has judged whatever can be judged before; should the signed certificate be refused, nobody waits for it. */
  async function predicted(
    intentId: string,
    predict: () => PredictedThing | null
  ): Promise<PredictedThing | null> {
    try {
      return predict()
    } catch (error) {
      if (isMintlineError(error, 'jitp_would_fail')) await endRefused(intentId, error.detail)
      throw error
    }
  }

  return {
    complete(order) {
      const { intent } = order
      const underWay = inHand.get(intent.id)
      if (underWay !== undefined) return underWay
      failed.delete(intent.id)
      const completion = signAndRecord(order)
        .catch((error: unknown) => {
          rememberFailure(intent.id)
          throw error
        })
        .finally(() => inHand.delete(intent.id))
      inHand.set(intent.id, completion)
      return completion
    },
    async underWay(intentId) {
      await inHand.get(intentId)?.catch(() => undefined)
    },
    hasFailed: intentId => failed.has(intentId),
    async settled() {
      while (inHand.size > 0) await Promise.allSettled(inHand.values())
    }
  }
}
