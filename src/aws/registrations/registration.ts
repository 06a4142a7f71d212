import { isDeepStrictEqual } from 'node:util'
import type { Act } from '../../audit/audit-event.ts'
import type { StoredGeneration } from '../../authorities/authority-store.ts'
import { requireCertified, requireGeneration } from '../../authorities/generations/generation.ts'
import { assertTransition } from '../../authorities/life-cycle/life-cycle.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { certificateIdHex } from '../../pki/certificate/certificate.ts'
import { type Page, type PageQuery, readPage } from '../../sources/page.ts'
import type { AwsPlace } from '../iot/place.ts'
import { assertSameMode, createChangeMaker, followed, type RegistrationFate } from './change.ts'
import type { RegistrationDependencies } from './dependencies.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import { lookFirst } from './first-look.ts'
import { findGaps, type RegistrationGap } from './gaps.ts'
import { judgePolicies, policyWarnings } from './lint/policy-warnings.ts'
import { assertRegistrable, issuingLinesOf, neighboursOf, profileLineOf } from './lint/registrable.ts'
import { registrationWarnings } from './lint/warnings.ts'
import type { StoredRegistration } from './registration-store.ts'
import { desiredOf, type RegistrationRequest } from './request.ts'
import { examineStanding } from './standing.ts'
import { resolveTarget } from './target.ts'
import { describeRegistration, type RegistrationReport, type RegistrationView } from './view.ts'

/** The CAs that AWS IoT is to hold. What is asked for is durable when a method returns; the jobs bring it about. */
export interface Registrations {
  /**
   * Asks for a registration of the authority in an account and region, or for a change of the one there is. Asking
   * for what is asked for already changes nothing. Before a change AWS is looked at for a few seconds.
   *
   * @throws MintlineError `authority_not_found`, `authority_transition_refused` while it has no certificate,
   * `profile_not_found`, `aws_registration_invalid` with every mistake at once, `aws_template_not_ours`.
   */
  post(authority: string, request: RegistrationRequest, act: Act): Promise<AnsweredPost>
  /** Oldest first. @throws MintlineError `authority_not_found`. */
  list(authority: string, query: PageQuery): Promise<Page<RegistrationView>>
  /** @throws MintlineError `authority_not_found`, `aws_registration_not_found`. */
  find(authority: string, id: string): Promise<RegistrationReport>
  /** Has AWS brought to what is asked for, whatever other places have got, and read back. Throws as `find`. */
  sync(authority: string, id: string, act: Act): Promise<RegistrationReport>
  /** Has AWS read back, and nothing changed. Throws as `find`. */
  check(authority: string, id: string, act: Act): Promise<RegistrationReport>
  /**
   * Changes what is asked for in all of an authority's registrations, before it is retired or declared compromised.
   * Unless told, a retired one's are kept and a compromised one's deactivated.
   *
   * @throws MintlineError `authority_not_found`; `authority_transition_refused` where it could not be ended so.
   */
  followAuthority(authority: string, ending: AuthorityEnding, act: Act): Promise<void>
  /** Whether AWS IoT holds what is asked for, everywhere, as of the last looks. @throws MintlineError `database_unavailable`. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
  /** Where the generation that issues is registered, and the one that would follow it is not. */
  registrationGaps(line: string): Promise<readonly RegistrationGap[]>
}

interface AnsweredPost extends RegistrationReport {
  /** What may not be meant, or keeps AWS from being asked. */
  readonly warnings: readonly string[]
}

interface AuthorityEnding {
  readonly end: 'retired' | 'compromised'
  readonly fate?: RegistrationFate | undefined
}

/** What asking needs: AWS is changed by the jobs alone. */
type AskingDependencies = Pick<
  RegistrationDependencies,
  'store' | 'authorities' | 'profiles' | 'accesses' | 'jobs' | 'clock' | 'randomBytes'
>

export function createRegistrations(dependencies: AskingDependencies): Registrations {
  const { store, authorities, jobs, clock, randomBytes } = dependencies
  const { eventOf, changeOf } = createChangeMaker(clock, randomBytes)
  const { generationOf, findStored, reportOf } = createLookUp(dependencies)

  const reconcileSoon = (registrationId: string) =>
    jobs.send('aws-registration.reconcile', { registrationId }, { key: registrationId, now: true })

  const orderOf = (verb: 'sync' | 'check') => async (name: string, registrationId: string, act: Act) => {
    const { registration, generation } = await findStored(name, registrationId)
    const { region, accountAlias } = registration
    const after = { authority: name, region, accountAlias }
    await store.addEvent(eventOf(act, verb, { registrationId, after }))
    const soon = { key: registrationId, now: true }
    if (verb === 'check') await jobs.send('aws-registration.check', { registrationId }, soon)
    else await jobs.send('aws-registration.reconcile', { registrationId, outOfTurn: true }, soon)
    return reportOf(registration, generation)
  }

  return {
    async post(name, request, act) {
      const generation = await generationOf(name)
      const { region, accountAlias = '' } = request
      const place = { authorityId: generation.id, accountAlias, region }
      const desired = desiredOf(request)
      for (;;) {
        const [existing] = await store.list(place)
        const warnings = await judge(dependencies, generation, { place, desired, existing })
        if (existing !== undefined && isDeepStrictEqual(existing.desired, desired))
          return { ...(await reportOf(existing, generation)), warnings }
        const change = changeOf(act, { place, existing, desired })
        // Lost to another administrator's post: theirs is what this one changes then.
        if (!(await store.change([change]))) continue
        // A crash here leaves a version without a job, which the next sweep finds.
        await reconcileSoon(change.registrationId)
        const { registration } = await findStored(name, change.registrationId)
        return { ...(await reportOf(registration, generation)), warnings }
      }
    },
    examine: () => examineStanding(store),
    list: async (name, query) => listOf(store, await generationOf(name), query),
    async find(name, id) {
      const { registration, generation } = await findStored(name, id)
      return reportOf(registration, generation)
    },
    sync: orderOf('sync'),
    check: orderOf('check'),
    async followAuthority(name, { end, fate = end === 'retired' ? 'keep' : 'deactivate' }, act) {
      const { id: authorityId, state } = await generationOf(name)
      assertTransition(name, state, end)
      for (;;) {
        const changes = movesTo(fate, await store.list({ authorityId })).map(move => changeOf(act, move))
        if (!(await store.change(changes))) continue
        for (const { registrationId } of changes) await reconcileSoon(registrationId)
        return
      }
    },
    async registrationGaps(line) {
      const generations = (await authorities.generations()).filter(generation => generation.line === line)
      return findGaps(generations, await store.list())
    }
  }
}

function listOf(
  store: Pick<AskingDependencies['store'], 'list'>,
  generation: StoredGeneration,
  query: PageQuery
): Promise<Page<RegistrationView>> {
  return readPage(query, async wanted => {
    const stored = await store.list({ authorityId: generation.id }, wanted)
    return stored.map(registration => describeRegistration(registration, generation))
  })
}

function createLookUp({ store, authorities }: Pick<AskingDependencies, 'store' | 'authorities'>) {
  const generationOf = async (name: string) =>
    requireGeneration(await authorities.generations({ lineOrName: name }), name)

  async function findStored(name: string, id: string) {
    const generation = await generationOf(name)
    const [registration] = await store.list({ id, authorityId: generation.id })
    if (registration !== undefined) return { registration, generation }
    throw new MintlineError('aws_registration_not_found', `${name} has no registration ${id}.`)
  }

  async function reportOf(registration: StoredRegistration, generation: StoredGeneration) {
    const steps = await store.steps(registration.id)
    return { ...describeRegistration(registration, generation), steps }
  }

  return { generationOf, findStored, reportOf }
}

/** Only where the fate asks for something else than is asked for already. */
function movesTo(fate: RegistrationFate, registrations: readonly StoredRegistration[]) {
  return registrations
    .map(existing => ({ place: existing, existing, desired: followed(existing.desired, fate) }))
    .filter(({ existing, desired }) => !isDeepStrictEqual(desired, existing.desired))
}

interface Asked {
  readonly place: AwsPlace
  readonly desired: DesiredRegistration
  readonly existing: StoredRegistration | undefined
}

/** @returns what is to be told of what is asked for. Throws as `post`. */
async function judge(
  dependencies: AskingDependencies,
  generation: StoredGeneration,
  { place, desired, existing }: Asked
): Promise<readonly string[]> {
  const { profiles, accesses, clock } = dependencies
  const authority = requireCertified(generation)
  const isRegistered = existing?.state?.awsAccountId != null
  if (isRegistered) assertSameMode(existing.desired, desired)
  const { target } = await resolveTarget(desired, profiles)
  const input = {
    place,
    desired,
    target,
    authority,
    profileLine: await profileLineOf(profiles, desired),
    isRegistered,
    neighbours: await neighboursOf(dependencies, place, authority.id),
    now: clock()
  }
  assertRegistrable(input)
  const warnings = [
    ...registrationWarnings(input, await issuingLinesOf(profiles)),
    ...policyWarnings(judgePolicies({ target, place }))
  ]
  if (isDeepStrictEqual(existing?.desired, desired)) return warnings
  const caCertificateId = certificateIdHex(authority.certificateDer)
  return [...warnings, ...(await lookFirst(accesses, { place, desired, caCertificateId }))]
}
