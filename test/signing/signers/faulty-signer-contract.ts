import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { authoritySignatureAlgorithm } from '../../../src/pki/key/signature-algorithm.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import { vouchDurable } from '../../../src/signing/durable.ts'
import { signDurable } from '../../../src/signing/sign-durable.ts'
import { createLocalSigner } from '../../../src/signing/signers/local/local-signer.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'

/** What can be wrong with a key store. */
export type KeyStoreFault = 'hangs' | 'is slow' | 'has another key' | 'truncates' | 'throttles' | 'crashes'

export interface FaultyKeyStore {
  /** A new signer over the same key each time. */
  open(): Promise<Signer>
  setFault(fault: KeyStoreFault): Promise<void>
  heal(): Promise<void>
  /** By its settings: when a call of the signer is over at the latest under the fault, with `callsAtOnce` asked for at once. */
  callLimitMs(fault: KeyStoreFault): number
}

/** Signatures that are asked for at once under each fault. */
export const callsAtOnce = 20

/** `signed`, or a code: what may come of a signature, and what of opening the key for one, under the fault. */
export interface FaultOutcomes {
  readonly standing: readonly string[]
  readonly opening: readonly string[]
}

/**
 * What every signer must do while its key store is sick: each call ends in time, with a signature that holds or with
 * an error that says whether to try again; nobody else notices; it can be closed; and it is well again when the store is.
 */
export function describeFaultySigner(
  name: string,
  faults: Partial<Record<KeyStoreFault, FaultOutcomes>>,
  create: () => Promise<FaultyKeyStore>
): void {
  describe(`the faulty signer contract: ${name}`, () => {
    let store: FaultyKeyStore
    beforeAll(async () => {
      store = await create()
    })
    afterEach(() => store.heal())

    for (const [fault, outcomes] of Object.entries(faults)) {
      it(`a key store that ${fault} harms nobody else, and is well again by itself`, async () => {
        const [signer, doomed] = [await store.open(), await store.open()]
        const limitMs = store.callLimitMs(fault as KeyStoreFault)
        await store.setFault(fault as KeyStoreFault)
        const neighbour = watchNeighbour()
        const calls = [
          ...Array.from({ length: callsAtOnce }, () => within(limitMs, () => outcomeOf(signer, signer))),
          within(limitMs, () => usabilityOf(signer))
        ]
        const [standing, opening] = [await Promise.all(calls), await within(limitMs, () => open(signer))]
        expect(outcomes.standing).toEqual(expect.arrayContaining([...new Set(standing)]))
        expect(outcomes.opening).toContain(opening)
        expect(await within(limitMs, () => doomed.close().then(() => 'closed'))).toBe('closed')
        await neighbour.expectUndisturbed()

        await store.heal()
        await expect.poll(() => outcomeOf(signer, signer), { timeout: 30_000, interval: 100 }).toBe('signed')
        expect(await usabilityOf(signer)).toBe('signed')
        expect(await open(signer)).toBe('signed')
        await signer.close()
      })
    }

    async function open(expected: Signer): Promise<string> {
      try {
        const opened = await store.open()
        return await outcomeOf(opened, expected).finally(() => opened.close())
      } catch (error) {
        return codeOf(error)
      }
    }
  })
}

/** Signs as the signing room does, under the key that is on record. */
async function outcomeOf(signer: Signer, { publicKeySpkiDer }: Signer): Promise<string> {
  const spki = { key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' } as const
  const tbsDer = makeTbs(publicKeySpkiDer)
  const intent = vouchDurable({ id: 'a', tbsDer })
  try {
    await signDurable({ intent, signer, issuerPublicKey: createPublicKey(spki), judgement: () => undefined })
    return 'signed'
  } catch (error) {
    return codeOf(error)
  }
}

const usabilityOf = (signer: Signer) => signer.assertUsable().then(() => 'signed', codeOf)

/** @throws the error if it is none for a client, or one to try again after that does not say when. */
function codeOf(error: unknown): string {
  if (!isMintlineError(error)) throw error
  if (error.code === 'signer_unavailable') expect(error.retryAfterSeconds).toBeGreaterThan(0)
  return error.code
}

async function within(limitMs: number, work: () => Promise<string>): Promise<string> {
  const isOver = new AbortController()
  const late = pause(limitMs, `not after ${limitMs} ms`, { signal: isOver.signal })
  return Promise.race([work(), late]).finally(() => isOver.abort())
}

const subject = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey

function makeTbs(issuerSpkiDer: Uint8Array): Uint8Array {
  return buildTbsCertificate({
    serialNumber: Uint8Array.of(0x40, ...new Uint8Array(15)),
    signatureAlgorithm: authoritySignatureAlgorithm(issuerSpkiDer),
    issuerNameDer: buildName({ CommonName: 'issuer' }),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
    subjectNameDer: buildName({ CommonName: 'device' }),
    spkiDer: new Uint8Array(subject.export({ format: 'der', type: 'spki' })),
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: new Uint8Array(20)
  })
}

/** A local key in the same process, used all the time. */
function watchNeighbour() {
  const signer = createLocalSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  const delays = monitorEventLoopDelay({ resolution: 10 })
  delays.enable()
  let isOver = false
  const times: number[] = []
  async function sign(): Promise<void> {
    while (!isOver) {
      const start = performance.now()
      await signer.sign(Buffer.from('a neighbour'))
      times.push(performance.now() - start)
      await pause(5)
    }
  }
  const work = sign()
  return {
    /** A thread pool that is taken, or an event loop that is held, shows in seconds. */
    async expectUndisturbed(): Promise<void> {
      isOver = true
      await work
      delays.disable()
      expect(times.length).toBeGreaterThan(0)
      expect(Math.max(...times)).toBeLessThan(1_000)
      expect(delays.max / 1e6).toBeLessThan(1_000)
    }
  }
}
