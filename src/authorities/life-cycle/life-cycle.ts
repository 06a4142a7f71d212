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

/** @throws MintlineError `authority_transition_refused`, with the way out, and in `members.nextStates` the steps that are open. */
export function assertTransition(name: string, from: AuthorityState, to: AuthorityState): void {
  const open = nextStates[from]
  if (open.includes(to)) return
  throw new MintlineError(
    'authority_transition_refused',
    `${name} is ${from} and cannot become ${to}. ${waysOut[to](name, from)}`,
    { members: { state: from, nextStates: open } }
  )
}

const nothingToDo = 'There is nothing left to do.'
const makeAnother = 'Make another generation of the line with POST /v1/authorities'

/** What leads to what was asked for, by the state that was; what it is left to do otherwise. */
const waysOut: Readonly<Record<AuthorityState, (name: string, from: AuthorityState) => string>> = {
  pending: () => `${makeAnother}, which begins there.`,
  staged: () => `It had its certificate already. ${makeAnother} for another one.`,
  active(name, from) {
    if (from === 'pending') return `Give it its certificate first: POST /v1/authorities/${name}/certificate.`
    return from === 'active' ? 'It issues already.' : `${makeAnother}, and activate that one.`
  },
  retiring: () => 'The active generation becomes that when another one of its line is activated.',
  retired(_, from) {
    if (from === 'active') return 'Activate another generation of the line first, then retire this one.'
    if (from === 'retired' || from === 'compromised') return nothingToDo
    return 'It has issued nothing: leave it as it is, or declare it compromised.'
  },
  compromised: () => nothingToDo
}
