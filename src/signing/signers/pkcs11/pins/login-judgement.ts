import { isEqual } from '../../../../pki/der/octets.ts'

/** What a token says of the tries that are left for its user's PIN (CK_TOKEN_INFO, PKCS#11 v2.40 §3.2). */
export const triesLeft = ['all', 'fewer', 'last', 'none'] as const
export type TriesLeft = (typeof triesLeft)[number]

/** A login that the process of a token is about to make. */
export interface Login {
  readonly tokenLabel: string
  readonly tokenSerial: string
  /** HMAC-SHA256 of serial and PIN. */
  readonly mark: Buffer
  readonly markKeyId: Buffer
  readonly triesLeft: TriesLeft
}

/** A PIN that the token was given. */
export interface PinAttempt {
  readonly mark: Uint8Array
  readonly markKeyId: Uint8Array
  /** `unknown` while the login is under way, and after a crash in it. */
  readonly outcome: 'unknown' | 'refused' | 'accepted'
  /** Whether the login was begun by another process that may still be at it. */
  readonly isAnothersFresh: boolean
  /** Whether the token has accepted no PIN since. */
  readonly isOutstanding: boolean
}

export type LoginVerdict =
  | { readonly kind: 'allowed' }
  /** Another process is at it. */
  | { readonly kind: 'waits' }
  | ({ readonly kind: 'withheld' } & Withholding)

export interface Withholding {
  /** Completes `The HSM token …`. */
  readonly why: string
  /** What leads to a login. */
  readonly way: string
  readonly canBePermitted: boolean
}

const allowed: LoginVerdict = { kind: 'allowed' }

/**
 * Whether a PIN may be tried at a token, which locks itself after a few wrong ones:
 *
 * - never one that the token has refused, until the file changes or an administrator permits it;
 * - never the last try, unless an administrator permits it;
 * - when a wrong PIN was entered since the last login: one that is known to have worked, or one that comes in the place
 *   of one of ours that was refused;
 * - when a refusal is on record whose mark cannot be compared with ours: none.
 */
export function judgeLogin(login: Login, attempts: readonly PinAttempt[]): LoginVerdict {
  const own = attempts.find(({ mark }) => isEqual(mark, login.mark))
  const outstanding = attempts.filter(({ isOutstanding }) => isOutstanding)
  if (login.triesLeft === 'none') return withheld('locked')
  if (login.triesLeft === 'last') return withheld('lastTry')
  if (own?.outcome === 'refused') return withheld('refused')
  if (own?.outcome === 'accepted') return allowed
  if (outstanding.some(({ outcome, isAnothersFresh }) => outcome === 'unknown' && isAnothersFresh)) {
    return { kind: 'waits' }
  }
  const isFewer = login.triesLeft === 'fewer'
  const cannotCompare = outstanding.some(
    ({ outcome, markKeyId }) => !isEqual(markKeyId, login.markKeyId) && (isFewer || outcome === 'refused')
  )
  if (cannotCompare) return withheld('otherKey')
  if (isFewer && own !== undefined) return withheld('cutOff')
  if (isFewer && outstanding.length === 0) return withheld('enteredElsewhere')
  return allowed
}

function withheld(reason: keyof typeof reasons): LoginVerdict {
  const [why, way] = reasons[reason]
  return { kind: 'withheld', why, way, canBePermitted: reason !== 'locked' }
}

const tried = 'have this one tried once with POST /v1/token-logins'
const resetOrTried = `Log in once with the tool of the HSM’s maker, which gives the tries back, or ${tried}.`

const reasons = {
  locked: [
    'is locked after too many wrong PINs',
    'Its security officer sets a new PIN; then correct the PIN file.'
  ],
  lastTry: ['has one try left for its PIN', resetOrTried],
  refused: [
    'refuses the PIN, which is not tried again until the PIN file changes, since a token locks itself',
    `Correct the PIN file, or ${tried} if it is the token’s PIN by now.`
  ],
  otherKey: [
    'has refused a PIN, and whether it was this one cannot be told: another process of the service gave it, or this one before its pin-mark-key was lost',
    `Make sure of the PIN file, then ${tried}.`
  ],
  cutOff: [
    'was given this PIN in a login that was cut off, and says since that a wrong one was entered',
    resetOrTried
  ],
  enteredElsewhere: [
    'says that a wrong PIN was entered since the last login, and the one of the PIN file is not known to have worked',
    resetOrTried
  ]
} as const
