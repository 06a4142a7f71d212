import { MintlineError } from '../../errors/mintline-error.ts'
import { createIotControl, type IotControl } from './iot-control.ts'
import type { AwsPlace } from './place.ts'
import { createRoleExaminer, type ExamineRole } from './role-check.ts'

/** AWS as seen from one account and region. */
export interface AwsAccess {
  readonly iot: IotControl
  readonly examineRole: ExamineRole
}

export interface AwsAccesses {
  /** The same one for as long as the process lives, so that its requests queue behind each other. */
  open(place: AwsPlace): AwsAccess
  /** Ends every call, under way or to come, with `job_interrupted`. */
  close(): void
}

/** Credentials and addresses come by the SDK's own chain: environment, shared config, instance. */
export function createAwsAccesses(): AwsAccesses {
  const accesses = new Map<string, AwsAccess & { close(): void }>()
  const stopping = new AbortController()
  return {
    open({ accountAlias, region }) {
      const key = `${region} ${accountAlias}`
      const known = accesses.get(key)
      if (known !== undefined) return known
      const iot = createIotControl({ accountAlias, region }, stopping.signal)
      const roles = createRoleExaminer({ accountAlias, region }, stopping.signal)
      const close = () => {
        iot.destroy()
        roles.destroy()
      }
      const access = { iot, examineRole: roles.examine, close }
      accesses.set(key, access)
      return access
    },
    close() {
      stopping.abort(new MintlineError('job_interrupted', 'The service was stopping.'))
      for (const access of accesses.values()) access.close()
      accesses.clear()
    }
  }
}
