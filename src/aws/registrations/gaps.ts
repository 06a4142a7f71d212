import type { StoredGeneration } from '../../authorities/authority-store.ts'
import type { Violation } from '../../errors/mintline-error.ts'
import type { StoredRegistration } from './registration-store.ts'
import { type RegistrationState, stateOf } from './view.ts'

/** An account and region whose devices a rotation would leave without a CA. */
export interface RegistrationGap {
  readonly region: string
  /** Undefined for the SDK's own chain. */
  readonly accountAlias: string | undefined
  /** Name of the generation that issues; where none does, of the one that did until it was declared compromised. */
  readonly active: string
  /** Name of the one that would follow; undefined while there is none. */
  readonly successor: string | undefined
  /** Of the successor there; undefined where it was never asked for. */
  readonly state: RegistrationState | undefined
}

/** A gap as a rotation plan tells it. */
export function describeGap({ region, accountAlias, successor, state }: RegistrationGap): Violation {
  const account = accountAlias === undefined ? '' : ` of the account ${accountAlias}`
  const name = successor ?? 'the successor'
  return {
    pointer: `/registrations/${region}`,
    expected: `${name} registered in ${region}${account}`,
    found: state ?? 'never asked for',
    message: `AWS IoT would not know its devices. POST /v1/authorities/${name}/aws-registrations, and wait for it.`
  }
}

/**
 * Where AWS IoT takes devices of the active generation, and the successor is not `registered`. Where none is active, since it was declared
 * compromised, its registrations tell where its devices are. Pure.
 *
 * @param generations of one line, oldest first.
 */
export function findGaps(
  generations: readonly StoredGeneration[],
  registrations: readonly StoredRegistration[]
): readonly RegistrationGap[] {
  const newest = (state: string) => generations.findLast(generation => generation.state === state)
  const active = newest('active') ?? newest('compromised')
  const successor = newest('staged') ?? newest('pending')
  return registrations
    .filter(({ authorityId, state }) => authorityId === active?.id && state?.awsAccountId != null)
    .map(({ region, accountAlias }) => {
      const counterpart = registrations.find(
        other =>
          other.authorityId === successor?.id &&
          other.region === region &&
          other.accountAlias === accountAlias
      )
      return {
        region,
        accountAlias: accountAlias === '' ? undefined : accountAlias,
        active: active!.name,
        successor: successor?.name,
        state: counterpart && stateOf(counterpart)
      }
    })
    .filter(({ state }) => state !== 'registered')
}
