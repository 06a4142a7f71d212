import { requireCertified } from '../../../authorities/generations/generation.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { JobRefusal } from '../../../jobs/job.ts'
import type { TargetProvisioning } from '../../iot/ca-registration.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import { judgePolicies, policyWarnings } from '../lint/policy-warnings.ts'
import { assertRegistrable, issuingLinesOf, neighboursOf, profileLineOf } from '../lint/registrable.ts'
import { registrationWarnings } from '../lint/warnings.ts'
import { type ResolvedTarget, resolveTarget } from '../target.ts'
import { provideVerification } from '../verification/verification.ts'
import { createOutcomeKeeper, isUndone, type LoadedRegistration } from './outcome.ts'
import { compare, reconcile, type ReconcileRun } from './reconcile.ts'
import { isBehind, nextInTurn, turnOf } from './rollout.ts'
import { createStepRecorder } from './step-recorder.ts'

/** The work of the jobs. Either may be repeated at any time, also after a crash in the middle of it. */
export interface RegistrationRuns {
  /**
   * Brings a registration to what is asked for, and reads it back. What AWS or a rule refuses is kept with the
   * registration, and thrown. What would not work there is not put live.
   *
   * @throws JobRefusal of what trying again does not mend; MintlineError `aws_unavailable`, `database_unavailable`,
   * `signer_unavailable`, `job_interrupted`.
   */
  reconcile(registrationId: string, options?: ReconcileOptions): Promise<void>
  /**
   * Reads a registration back and changes nothing at AWS. One that failed is failed until AWS holds what is asked for.
   *
   * @throws MintlineError `aws_unavailable`, `aws_refused`, `database_unavailable`, `job_interrupted`.
   */
  check(registrationId: string): Promise<void>
}

interface ReconcileOptions {
  /** A newer version of the profile does not wait for the places before this one. */
  readonly outOfTurn?: boolean | undefined
}

export function createRegistrationRuns(dependencies: RegistrationDependencies): RegistrationRuns {
  const { store, profiles, accesses, clock } = dependencies
  const { keepComparison, keepHold, keepCheck, keepFailure, keepFailedCheck } =
    createOutcomeKeeper(dependencies)

  async function bringAbout(loaded: LoadedRegistration, { outOfTurn = false }: ReconcileOptions) {
    const { registration } = loaded
    const resolved = await resolveTarget(registration.desired, profiles).catch(
      (error: unknown): Promise<never> => keepFailure(loaded, error)
    )
    const { provisioning } = resolved.target
    const version = provisioning?.profileVersion ?? null
    const isInOrder = !outOfTurn && version !== null && isBehind(registration, version)
    try {
      const { hold, ...comparison } = await reconcile({
        ...(await buildRun(dependencies, loaded, resolved)),
        findTurn: async () =>
          isInOrder ? turnOf(registration, await store.list(), version) : { kind: 'now' }
      })
      if (hold === undefined) await keepComparison(loaded, comparison, version)
      else await keepHold(loaded, { ...comparison, hold }, version)
      return { provisioning, hold }
    } catch (error) {
      return keepFailure(loaded, error, version)
    }
  }

  return {
    async reconcile(registrationId, options = {}) {
      const loaded = await load(dependencies, registrationId)
      const { provisioning, hold } = await bringAbout(loaded, options)
      // Those that wait for one that fails are told so by the next sweep, as after a crash here.
      if (provisioning !== null) await sendNext(dependencies, provisioning)
      if (hold?.code === 'aws_registration_blocked')
        throw new JobRefusal(new MintlineError(hold.code, hold.detail))
    },
    async check(registrationId) {
      const loaded = await load(dependencies, registrationId)
      const { registration, authority } = loaded
      const { state, version, desired } = registration
      // What was never brought about is not there to be compared.
      if (state === undefined || state.version !== version) return
      const since = clock()
      const resolved = await resolveTarget(desired, profiles)
      const newestVersion = resolved.target.provisioning?.profileVersion ?? null
      // Not drift: the sweep has AWS brought to the newer profile.
      if (!isUndone(state) && (newestVersion ?? 0) > (state.profileVersion ?? 0)) return
      try {
        const access = await accesses.open(registration)
        const comparison = await compare({
          access,
          authority,
          resolved,
          policies: judgePolicies({ target: resolved.target, place: registration }),
          earlierDrift: state.drift
        })
        const isAsAsked = comparison.drift.length === 0
        const profileVersion = isAsAsked ? newestVersion : state.profileVersion
        await keepCheck(loaded, comparison, { profileVersion, since })
      } catch (error) {
        await keepFailedCheck(loaded, error)
      }
    }
  }
}

async function sendNext(
  { store, jobs }: Pick<RegistrationDependencies, 'store' | 'jobs'>,
  { profile, profileVersion }: TargetProvisioning
): Promise<void> {
  for (const { id: registrationId } of nextInTurn(await store.list(), profile, profileVersion))
    await jobs.send('aws-registration.reconcile', { registrationId }, { key: registrationId })
}

async function load(
  { store, authorities }: RegistrationDependencies,
  registrationId: string
): Promise<LoadedRegistration> {
  const [registration] = await store.list({ id: registrationId })
  const generations = await authorities.generations()
  const generation = generations.find(({ id }) => id === registration?.authorityId)
  if (registration !== undefined && generation !== undefined)
    return { registration, authority: requireCertified(generation) }
  throw new MintlineError('aws_registration_not_found', `There is no registration ${registrationId}.`)
}

async function buildRun(
  dependencies: RegistrationDependencies,
  { registration, authority }: LoadedRegistration,
  resolved: ResolvedTarget
): Promise<Omit<ReconcileRun, 'findTurn'>> {
  const { store, verifications, profiles, accesses, clock } = dependencies
  const { id: registrationId, desired, version, state } = registration
  const { record, step, note } = createStepRecorder(
    dependencies,
    registration,
    await store.steps(registrationId)
  )
  const neighbours = await neighboursOf(dependencies, registration, authority.id)
  const profileLine = await profileLineOf(profiles, desired)
  const issuingLines = await issuingLinesOf(profiles)
  const policies = judgePolicies({ target: resolved.target, place: registration })
  return {
    access: await accesses.open(registration),
    authority,
    resolved,
    policies,
    earlierDrift: state?.drift ?? [],
    isKnown: await store.hasDone(registrationId, 'register'),
    lint: isRegistered => {
      const input = {
        place: registration,
        desired,
        target: resolved.target,
        authority,
        profileLine,
        isRegistered,
        neighbours,
        now: clock()
      }
      assertRegistrable(input)
      return [...registrationWarnings(input, issuingLines), ...policyWarnings(policies)]
    },
    verify: registrationCode =>
      provideVerification(
        { ...dependencies, store: verifications },
        {
          registrationId,
          authority,
          registrationCode,
          onStep: (name, detail) => record(name, 'done', detail)
        }
      ),
    async assertNewest() {
      const [newest] = await store.list({ id: registrationId })
      if (newest?.version !== version)
        throw new MintlineError('job_interrupted', 'Something newer was asked for meanwhile.')
    },
    step,
    note
  }
}
