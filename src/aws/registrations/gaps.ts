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

/** Where AWS IoT takes new devices of a generation that issues no more, and the one that issues in its place is not `registered`. */
function findGapsOfFormer(
  generations: readonly Placed[],
  registrations: readonly StoredRegistration[]
): readonly RegistrationGap[] {
  const { active } = parts(generations)
  if (active === undefined) return []
  const isTaking = ({ desired }: StoredRegistration) => desired.setAsActive && desired.allowAutoRegistration
  return generations
    .filter(({ state }) => state === 'retiring' || state === 'retired')
    .flatMap(former =>
      gapsBetween(
        former,
        active,
        registrations.filter(each => each.authorityId !== former.id || isTaking(each))
      )
    )
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
 * Of each line, where devices come of the generation that issues and AWS IoT does not know it, though it knows one that issued before,
 * until that one's certificate ends: devices of a compromised one come back for another, and an ordinary rotation has new ones come.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function listGapWarnings({
  authorities,
  listRegistrations,
  now
}: WarningSources): Promise<readonly GapWarning[]> {
  const living = authorities.filter(({ certificate }) => certificate.notAfter > now)
  const lines = new Set(living.filter(({ state }) => hasIssued.has(state)).map(({ line }) => line))
  if (lines.size === 0) return []
  const registrations = await listRegistrations()
  return [...lines].flatMap(line => {
    const generations = living.filter(each => each.line === line)
    const told = [
      ...findGapsOfFormer(generations, registrations).map(gap => ({ gap, message: describeRotated(gap) })),
      ...findGapsOfCompromised(generations, registrations).map(gap => ({
        gap,
        message: describeReturn(gap)
      }))
    ]
    // Of several that were there, the last one says what is to be done.
    const places = new Map(told.map(each => [`${each.gap.region} ${each.gap.accountAlias ?? ''}`, each]))
    return [...places.values()].map(({ gap, message }) => ({
      kind: 'registration_missing' as const,
      authority: gap.successor!,
      message
    }))
  })
}

/** And does so no more. */
const hasIssued: ReadonlySet<Placed['state']> = new Set(['retiring', 'retired', 'compromised'])

const placeOf = ({ region, accountAlias }: RegistrationGap) =>
  accountAlias === undefined ? region : `${region} of the account ${accountAlias}`

function describeReturn(gap: RegistrationGap): string {
  const { active, successor, state } = gap
  return `devices of ${active}, which is compromised, were in ${placeOf(gap)}, where AWS IoT does not know ${successor} (${state ?? 'never asked for'}): POST /v1/authorities/${successor}/aws-registrations`
}

function describeRotated(gap: RegistrationGap): string {
  const { active, successor, state } = gap
  return `AWS IoT takes new devices of ${active} in ${placeOf(gap)}, and does not know ${successor} there, which issues now (${state ?? 'never asked for'}): POST /v1/authorities/${successor}/aws-registrations; or, where no more devices are to come there, have that of ${active} without allowAutoRegistration`
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
