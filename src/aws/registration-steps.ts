import { isMintlineError } from '../errors.ts'
import { createIdentifier } from '../identifier.ts'
import type { RecordStep, ReconcileRun } from './reconcile.ts'
import type { RegistrationDependencies } from './registration-dependencies.ts'
import type { RegistrationStep, StoredRegistration } from './registration-store.ts'

export interface StepRecorder {
  readonly record: (step: string, outcome: RegistrationStep['outcome'], detail: string) => Promise<void>
  readonly step: RecordStep
  readonly note: ReconcileRun['note']
}

/** Writes down what is done about a registration, in order, each step durable before the next one begins. */
export function createStepRecorder(
  { store, clock, randomBytes }: Pick<RegistrationDependencies, 'store' | 'clock' | 'randomBytes'>,
  { id: registrationId, version }: StoredRegistration
): StepRecorder {
  let last = 0
  const record: StepRecorder['record'] = (step, outcome, detail) => {
    // Ids sort by time; two steps of one millisecond would change places.
    last = Math.max(clock().getTime(), last + 1)
    const createdAt = new Date(last)
    const id = createIdentifier(createdAt, randomBytes(10))
    return store.addStep(registrationId, { id, version, createdAt, step, outcome, detail })
  }
  return {
    record,
    note: (step, detail) => record(step, 'noted', detail),
    async step(name, work) {
      let done: string | undefined
      try {
        done = await work()
      } catch (error) {
        await record(name, 'failed', isMintlineError(error) ? error.detail : 'an unexpected error')
        throw error
      }
      if (done !== undefined) await record(name, 'done', done)
    }
  }
}
