import { describe, expect, it } from 'vitest'
import {
  judgeLogin,
  type Login,
  type PinAttempt,
  triesLeft
} from '../../../../src/signing/signers/pkcs11/pins/login-judgement.ts'

const [ours, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const [ourKey, otherKey] = [Buffer.alloc(8, 1), Buffer.alloc(8, 2)]

const login = (left: Login['triesLeft']): Login => ({
  tokenLabel: 'acme',
  tokenSerial: '1',
  mark: ours,
  markKeyId: ourKey,
  triesLeft: left
})

function attempt(mark: Buffer, outcome: PinAttempt['outcome'], change: Partial<PinAttempt> = {}): PinAttempt {
  return {
    mark,
    markKeyId: ourKey,
    outcome,
    isAnothersFresh: false,
    isOutstanding: outcome !== 'accepted',
    ...change
  }
}

const ofOtherKey = { markKeyId: otherKey } as const
const fresh = { isAnothersFresh: true } as const
const settled = { isOutstanding: false } as const

/** What is on record of a token; the verdict where all tries, fewer, the last one and none are left. */
const cases: readonly (readonly [string, readonly PinAttempt[], readonly string[]])[] = [
  ['nothing', [], ['allowed', 'withheld', 'withheld', 'withheld']],
  ['that it took this PIN', [attempt(ours, 'accepted')], ['allowed', 'allowed', 'withheld', 'withheld']],
  ['that it refused this PIN', [attempt(ours, 'refused')], ['withheld', 'withheld', 'withheld', 'withheld']],
  [
    'that it refused this PIN and took another since',
    [attempt(ours, 'refused', settled), attempt(other, 'accepted')],
    ['withheld', 'withheld', 'withheld', 'withheld']
  ],
  ['that it refused another', [attempt(other, 'refused')], ['allowed', 'allowed', 'withheld', 'withheld']],
  [
    'that it refused another and took a third since',
    [attempt(other, 'refused', settled), attempt(Buffer.alloc(32, 3), 'accepted')],
    ['allowed', 'withheld', 'withheld', 'withheld']
  ],
  [
    'a login with this PIN that was cut off',
    [attempt(ours, 'unknown')],
    ['allowed', 'withheld', 'withheld', 'withheld']
  ],
  [
    'a login with another PIN that was cut off',
    [attempt(other, 'unknown')],
    ['allowed', 'allowed', 'withheld', 'withheld']
  ],
  [
    'a login that another process is at',
    [attempt(ours, 'unknown', fresh)],
    ['waits', 'waits', 'withheld', 'withheld']
  ],
  [
    'a login that another process is at, with a PIN that has worked here',
    [attempt(other, 'unknown', fresh), attempt(ours, 'accepted')],
    ['allowed', 'allowed', 'withheld', 'withheld']
  ],
  [
    'a refusal under another key',
    [attempt(other, 'refused', ofOtherKey)],
    ['withheld', 'withheld', 'withheld', 'withheld']
  ],
  [
    'a refusal under another key, and that it took a PIN since',
    [attempt(other, 'refused', { ...ofOtherKey, ...settled })],
    ['allowed', 'withheld', 'withheld', 'withheld']
  ],
  [
    'a login under another key that was cut off',
    [attempt(other, 'unknown', ofOtherKey)],
    ['allowed', 'withheld', 'withheld', 'withheld']
  ]
]

describe('the login at a token, where there is on record', () => {
  it.each(cases)('%s', (_, attempts, verdicts) => {
    expect(triesLeft.map(left => judgeLogin(login(left), attempts).kind)).toEqual(verdicts)
  })

  it.each(cases)('%s: an act permits all that is withheld but at a locked token', (_, attempts) => {
    for (const left of triesLeft) {
      const verdict = judgeLogin(login(left), attempts)
      if (verdict.kind === 'withheld') expect(verdict.canBePermitted).toBe(left !== 'none')
    }
  })
})
