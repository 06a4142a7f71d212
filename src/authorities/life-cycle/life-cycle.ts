import { MintlineError } from '../../errors/mintline-error.ts'

/**
 * - `pending`: the key exists, the certificate is still to come from another CA.
 * - `staged`: complete, and issues nothing yet.
 * - `active`: issues. One generation of a line at a time.
 * - `retiring`: issues nothing new, finishes what it began, and can be activated again.
 * - `retired`: done. Its certificates stay valid.
 * - `compromised`: its key is no longer trusted. No way back.
 */
export const authorityStates = ['pending', 'staged', 'active', 'retiring', 'retired', 'compromised'] as const
export type AuthorityState = (typeof authorityStates)[number]

/** Every legal step; the database holds the same table in its own words. */
export const nextStates: Readonly<Record<AuthorityState, readonly AuthorityState[]>> = {
  pending: ['staged', 'compromised'],
  staged: ['active', 'compromised'],
  active: ['retiring', 'compromised'],
  retiring: ['active', 'retired', 'compromised'],
  retired: ['compromised'],
  compromised: []
}

/** @throws MintlineError `authority_transition_refused`, with the steps that are open in `members.nextStates`. */
export function assertTransition(name: string, from: AuthorityState, to: AuthorityState): void {
  const open = nextStates[from]
  if (open.includes(to)) return
  const choices = open.length === 0 ? 'nothing else' : open.join(' or ')
  throw new MintlineError(
    'authority_transition_refused',
    `${name} is ${from}. From there it can become ${choices}, but not ${to}.`,
    { members: { state: from, nextStates: open } }
  )
}
