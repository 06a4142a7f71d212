import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isMintlineError, MintlineError } from '../../../src/errors/mintline-error.ts'
import { createFuse, type Fuse } from '../../../src/signing/signers/fuse.ts'

let fuse: Fuse
/** How often the key store was asked. */
let asked: number

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  asked = 0
  fuse = createFuse({
    failures: 3,
    firstPauseMs: 1_000,
    longestPauseMs: 3_000,
    isSickness: error => isMintlineError(error, 'signer_unavailable')
  })
})
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => void vi.advanceTimersByTime(ms)

/** What a call comes to while the key store does that: its result, or the code of the error. */
async function outcomeOf(store: () => Promise<string>): Promise<string> {
  try {
    return await fuse.run(async () => {
      asked++
      return store()
    })
  } catch (error) {
    return isMintlineError(error) ? error.code : 'another error'
  }
}

const signs = async () => 'signed'
const fails = async () => Promise.reject<string>(new MintlineError('signer_unavailable', 'It is away.'))
const refuses = async () => Promise.reject<string>(new MintlineError('signer_disabled', 'It is off.'))

async function blow(): Promise<void> {
  for (let failure = 0; failure < 3; failure++) await outcomeOf(fails)
  asked = 0
}

describe('a fuse', () => {
  it('blows at so many failures in a row, and no earlier', async () => {
    await outcomeOf(fails)
    await outcomeOf(fails)
    expect(await outcomeOf(signs)).toBe('signed')
    await outcomeOf(fails)
    await outcomeOf(fails)
    // An answer, so that the store is not sick.
    expect(await outcomeOf(refuses)).toBe('signer_disabled')
    await outcomeOf(fails)
    await outcomeOf(fails)
    expect(await outcomeOf(signs)).toBe('signed')
    expect(asked).toBe(9)
    await blow()
    expect([await outcomeOf(signs), asked]).toEqual(['signer_unavailable', 0])
  })

  it('fails at once until its pause is over, and says how long that is', async () => {
    await blow()
    pass(999)
    await expect(fuse.run(signs)).rejects.toMatchObject({ code: 'signer_unavailable', retryAfterSeconds: 1 })
    pass(1)
    expect([await outcomeOf(signs), asked]).toEqual(['signed', 1])
  })

  it('lets one call through as a trial, and all once that succeeds', async () => {
    await blow()
    pass(1_000)
    const trial = Promise.withResolvers<string>()
    const first = outcomeOf(() => trial.promise)
    expect(await outcomeOf(signs)).toBe('signer_unavailable')
    expect(asked).toBe(1)
    trial.resolve('signed')
    expect(await first).toBe('signed')
    expect(await Promise.all([outcomeOf(signs), outcomeOf(signs)])).toEqual(['signed', 'signed'])
  })

  it('pauses twice as long after each trial that fails, up to the longest, and begins anew once whole', async () => {
    await blow()
    for (const pauseMs of [1_000, 2_000, 3_000, 3_000]) {
      asked = 0
      pass(pauseMs - 1)
      expect([await outcomeOf(fails), asked]).toEqual(['signer_unavailable', 0])
      pass(1)
      expect([await outcomeOf(fails), asked]).toEqual(['signer_unavailable', 1])
    }
    await expect(fuse.run(signs)).rejects.toMatchObject({ retryAfterSeconds: 3 })
    pass(3_000)
    expect(await outcomeOf(signs)).toBe('signed')
    await blow()
    pass(1_000)
    expect(await outcomeOf(signs)).toBe('signed')
  })
})
