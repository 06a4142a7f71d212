import type { Authority } from '../../authorities/authority.ts'
import type { StoredGeneration } from '../../authorities/authority-store.ts'
import type { Violation } from '../../errors/mintline-error.ts'
import type { StoredRegistration } from './registration-store.ts'
import { type RegistrationState, stateOf } from './view.ts'

/** What a generation is, as far as it matters where its devices are. */
type Placed = Pick<StoredGeneration, 'id' | 'name' | 'line' | 'state'>

/** An account and region whose devices a rotation would leave without a CA. */
export interface RegistrationGap {
  readonly region: string
  /** Undefined for the SDK's own chain. */
  readonly accountAlias: string | undefined
  /** Name of the generation whose devices are there: that issues, or did until it was declared compromised. */
  readonly active: string
  /** Name of the one that would follow, or has followed the compromised one; undefined while there is none. */
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
 * Where AWS IoT takes devices of the active generation, and the successor is not `registered`; and where it took those of a compromised one,
 * and the one that issues in its place is not, or while none does, the successor. Pure.
 *
 * @param generations of one line, oldest first.
 */
export function findGaps(
  generations: readonly Placed[],
  registrations: readonly StoredRegistration[]
): readonly RegistrationGap[] {
  const { active, successor, compromised } = parts(generations)
  if (active !== undefined)
    return [
      ...findGapsOfCompromised(generations, registrations),
      ...gapsBetween(active, successor, registrations)
    ]
  return compromised === undefined ? [] : gapsBetween(compromised, successor, registrations)
}

/** Of those, where the devices of a compromised generation were, and the one that issues in its place is not `registered`. */
function findGapsOfCompromised(
  generations: readonly Placed[],
  registrations: readonly StoredRegistration[]
): readonly RegistrationGap[] {
  const { active, compromised } = parts(generations)
  if (active === undefined || compromised === undefined) return []
  return gapsBetween(compromised, active, registrations)
}

function parts(generations: readonly Placed[]) {
  const newest = (state: string) => generations.findLast(generation => generation.state === state)
  return {
    active: newest('active'),
    successor: newest('staged') ?? newest('pending'),
    compromised: newest('compromised')
  }
}

interface WarningSources {
  /** Oldest first. */
  readonly authorities: readonly (Placed & Pick<Authority, 'certificate'>)[]
  readonly listRegistrations: () => Promise<readonly StoredRegistration[]>
  readonly now: Date
}

export interface GapWarning {
  readonly kind: 'registration_missing'
  /** The generation that is to be registered. */
  readonly authority: string
  readonly message: string
}

/**
 * Of each line, where the devices of a compromised generation come back to one that AWS IoT does not know there, until the compromised
 * one's certificate ends.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function listGapWarnings({
  authorities,
  listRegistrations,
  now
}: WarningSources): Promise<readonly GapWarning[]> {
  const compromised = authorities.filter(
    ({ state, certificate }) => state === 'compromised' && certificate.notAfter > now
  )
  if (compromised.length === 0) return []
  const registrations = await listRegistrations()
  const lines = [...new Set(compromised.map(({ line }) => line))]
  const alive = new Set(compromised.map(({ name }) => name))
  return lines
    .flatMap(line =>
      findGapsOfCompromised(
        authorities.filter(each => each.line === line),
        registrations
      )
    )
    .filter(({ active }) => alive.has(active))
    .map(gap => ({ kind: 'registration_missing', authority: gap.successor!, message: describeMissing(gap) }))
}

function describeMissing({ region, accountAlias, active, successor, state }: RegistrationGap): string {
  const account = accountAlias === undefined ? '' : ` of the account ${accountAlias}`
  return `devices of ${active}, which is compromised, were in ${region}${account}, where AWS IoT does not know ${successor} (${state ?? 'never asked for'}): POST /v1/authorities/${successor}/aws-registrations`
}

function gapsBetween(
  earlier: Placed,
  successor: Placed | undefined,
  registrations: readonly StoredRegistration[]
): readonly RegistrationGap[] {
  return registrations
    .filter(({ authorityId, state }) => authorityId === earlier.id && state?.awsAccountId != null)
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
        active: earlier.name,
        successor: successor?.name,
        state: counterpart && stateOf(counterpart)
      }
    })
    .filter(({ state }) => state !== 'registered')
}
