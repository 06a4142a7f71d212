import { requireCertified } from '../../../authorities/generations/generation.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import { assertRegistrable, issuingLinesOf, neighboursOf, profileLineOf } from '../lint/registrable.ts'
import { registrationWarnings } from '../lint/warnings.ts'
import { type ResolvedTarget, resolveTarget } from '../target.ts'
import { provideVerification } from '../verification/verification.ts'
import { createOutcomeKeeper, type LoadedRegistration } from './outcome.ts'
import { compare, reconcile, type ReconcileRun } from './reconcile.ts'
import { createStepRecorder } from './step-recorder.ts'

/** The work of the jobs. Either may be repeated at any time, also after a crash in the middle of it. */
export interface RegistrationRuns {
  /**
   * Brings a registration to what is asked for, and reads it back. What AWS or a rule refuses is kept with the
   * registration, and thrown.
   *
   * @throws JobRefusal of what trying again does not mend; MintlineError `aws_unavailable`, `database_unavailable`,
   * `signer_unavailable`, `job_interrupted`.
   */
  reconcile(registrationId: string): Promise<void>
  /**
   * Reads a registration back and changes nothing at AWS. One that failed is failed until AWS holds what is asked for.
   *
   * @throws MintlineError `aws_unavailable`, `aws_refused`, `database_unavailable`, `job_interrupted`.
   */
  check(registrationId: string): Promise<void>
}

export function createRegistrationRuns(dependencies: RegistrationDependencies): RegistrationRuns {
  const { profiles, accesses, clock } = dependencies
  const { keepComparison, keepCheck, keepFailure, keepFailedCheck } = createOutcomeKeeper(dependencies)
  return {
    async reconcile(registrationId) {
      const loaded = await load(dependencies, registrationId)
      try {
        const resolved = await resolveTarget(loaded.registration.desired, profiles)
        const comparison = await reconcile(await buildRun(dependencies, loaded, resolved))
        await keepComparison(loaded, comparison, resolved.target.provisioning?.profileVersion ?? null)
      } catch (error) {
        await keepFailure(loaded, error)
      }
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
      if (state.state !== 'failed' && (newestVersion ?? 0) > (state.profileVersion ?? 0)) return
      try {
        const access = await accesses.open(registration)
        const comparison = await compare({ access, authority, resolved, earlierDrift: state.drift })
        const isAsAsked = comparison.drift.length === 0
        const profileVersion = isAsAsked ? newestVersion : state.profileVersion
        await keepCheck(loaded, comparison, { profileVersion, since })
      } catch (error) {
        await keepFailedCheck(loaded, error)
      }
    }
  }
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
): Promise<ReconcileRun> {
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
  return {
    access: await accesses.open(registration),
    authority,
    resolved,
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
      return registrationWarnings(input, issuingLines)
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
