import { createHmac } from 'node:crypto'
import type { LoginGrant, LoginNeed } from '../protocol.ts'

/** Thrown where a login is to be made: the service says whether it may be, since a token locks itself. */
export class LoginNeeded extends Error {
  readonly need: LoginNeed

  constructor(need: LoginNeed) {
    super('A login is needed.')
    this.need = need
  }
}

/** Logins of this process. It makes none by itself. */
export interface Logins {
  /** By which a PIN is known again: it says nothing of the PIN itself. */
  markOf(tokenSerial: string, pin: string): string
  /** Whether a login was granted that has not been made yet. Each is good for one. */
  isGood(grant: LoginGrant | undefined): boolean
  /** Uses it up. @returns false when it is for another PIN, or used. */
  take(grant: LoginGrant | undefined, mark: string): boolean
  /** Tells what the token said. */
  tell(need: LoginNeed, outcome: 'accepted' | 'refused'): void
}

export function createLogins(markKey: Uint8Array, tell: Logins['tell']): Logins {
  let lastTaken = 0
  const isGood = (grant: LoginGrant | undefined) => grant !== undefined && grant.number > lastTaken
  return {
    markOf: (tokenSerial, pin) =>
      createHmac('sha256', markKey).update(`${tokenSerial}\0${pin}`).digest('hex'),
    isGood,
    take(grant, mark) {
      if (grant === undefined || !isGood(grant) || grant.mark !== mark) return false
      lastTaken = grant.number
      return true
    },
    tell
  }
}
