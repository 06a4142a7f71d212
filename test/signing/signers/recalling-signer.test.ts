import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ErrorCode, MintlineError } from '../../../src/errors/mintline-error.ts'
import { createLocalSigner } from '../../../src/signing/signers/local/local-signer.ts'
import { type RecallingSigner, recallingSigner } from '../../../src/signing/signers/recalling-signer.ts'
import { describeSigner } from './signer-contract.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const bytes = Buffer.from('to be signed')

describeSigner('a recalling one', async () => recallingSigner(createLocalSigner(privateKey)))

let signer: RecallingSigner
/** What the store answers to a signature and to a look at the key; undefined where it is well. */
let fault: { readonly sign?: ErrorCode; readonly look?: ErrorCode }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  fault = {}
  const local = createLocalSigner(privateKey)
  const fail = (code: ErrorCode) => Promise.reject(new MintlineError(code, `It is ${code}.`))
  signer = recallingSigner({
    ...local,
    sign: toBeSigned => (fault.sign === undefined ? local.sign(toBeSigned) : fail(fault.sign)),
    assertUsable: () => (fault.look === undefined ? local.assertUsable() : fail(fault.look))
  })
})
afterEach(() => void vi.useRealTimers())

const pass = (seconds: number) => void vi.advanceTimersByTime(seconds * 1_000)
const outcomeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'well',
    (error: MintlineError) => error.code
  )
const sign = () => outcomeOf(signer.sign(bytes))
const look = () => outcomeOf(signer.assertUsable())

describe('a signer whose store shows a key that it does not let sign', () => {
  it.each([
    ['key_unusable', 60],
    ['signer_disabled', 60],
    ['signer_unavailable', 10]
  ] as const)('is not usable after %s, for %i s', async (code, seconds) => {
    fault = { sign: code }
    expect(await look()).toBe('well')
    expect([await sign(), await look()]).toEqual([code, code])
    pass(seconds - 1)
    expect(await look()).toBe(code)
    pass(1)
    expect(await look()).toBe('well')
    expect([await sign(), await look()]).toEqual([code, code])
  })

  it('is not usable after a signature that does not hold, until one is made', async () => {
    await sign()
    signer.recall(new MintlineError('certificate_mismatch', 'It is of another key.'))
    expect(await look()).toBe('certificate_mismatch')
    expect([await sign(), await look()]).toEqual(['well', 'well'])
  })

  it('is usable again with the next signature that is made', async () => {
    fault = { sign: 'key_unusable' }
    await sign()
    fault = {}
    expect([await sign(), await look()]).toEqual(['well', 'well'])
  })

  it('tells first what the store says of the key', async () => {
    fault = { sign: 'key_unusable', look: 'signer_disabled' }
    expect([await sign(), await look()]).toEqual(['key_unusable', 'signer_disabled'])
  })

  it('is usable though it had too many requests', async () => {
    fault = { sign: 'overloaded' }
    expect([await sign(), await look()]).toEqual(['overloaded', 'well'])
  })
})
