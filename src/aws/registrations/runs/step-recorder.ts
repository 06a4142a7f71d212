import { isMintlineError } from '../../../errors/mintline-error.ts'
import { newId } from '../../../sources/identifier.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import type { StoredRegistration } from '../registration-store.ts'
import type { ReconcileRun, RecordStep } from './reconcile.ts'
import type { RegistrationStep } from './step.ts'

export interface StepRecorder {
  readonly record: (step: string, outcome: RegistrationStep['outcome'], detail: string) => Promise<void>
  readonly step: RecordStep
  readonly note: ReconcileRun['note']
}

/**
 * Writes down what is done about a registration, in order, each step durable before the next one begins. A note or a
 * failure is written once until something is done: what fails for months is not written at every try.
 *
 * @param earlier steps, oldest first.
 */
export function createStepRecorder(
  { store, clock, randomBytes }: Pick<RegistrationDependencies, 'store' | 'clock' | 'randomBytes'>,
  { id: registrationId, version }: Pick<StoredRegistration, 'id' | 'version'>,
  earlier: readonly RegistrationStep[]
): StepRecorder {
  let last = 0
  const told = new Set<string>()
  const tell = ({ step, outcome, detail }: Pick<RegistrationStep, 'step' | 'outcome' | 'detail'>) => {
    // A code is fetched at every try, and nothing is changed by it.
    if (outcome === 'done' && step !== 'registration-code') told.clear()
    else told.add(JSON.stringify([step, outcome, detail]))
  }
  for (const each of earlier) if (each.version === version) tell(each)
  const record: StepRecorder['record'] = async (step, outcome, detail) => {
    if (told.has(JSON.stringify([step, outcome, detail]))) return
    // Ids sort by time; two steps of one millisecond would change places.
    last = Math.max(clock().getTime(), last + 1)
    const createdAt = new Date(last)
    const id = newId(createdAt, randomBytes)
    await store.addStep(registrationId, { id, version, createdAt, step, outcome, detail })
    tell({ step, outcome, detail })
  }
  return {
    record,
    note: (step, detail) => record(step, 'noted', detail),
    async step(name, work) {
      let done: string | undefined
      try {
        done = await work()
      } catch (error) {
        if (isMintlineError(error, 'job_interrupted')) throw error
        await record(name, 'failed', isMintlineError(error) ? error.detail : 'an unexpected error')
        throw error
      }
      if (done !== undefined) await record(name, 'done', done)
    }
  }
}
