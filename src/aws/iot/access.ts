import { MintlineError } from '../../errors/mintline-error.ts'
import type { IotControl } from './iot-control.ts'
import type { AwsPlace } from './place.ts'
import type { ExamineRole } from './role-check.ts'

/** AWS as seen from one account and region. */
export interface AwsAccess {
  readonly iot: IotControl
  readonly examineRole: ExamineRole
}

export interface AwsAccesses {
  /** The same one for as long as the process lives, so that its requests queue behind each other. */
  open(place: AwsPlace): Promise<AwsAccess>
  /** Ends every call, under way or to come, with `job_interrupted`. */
  close(): void
}

/**
 * Credentials and addresses come by the SDK's own chain: environment, shared config, instance. The SDK is loaded when the
 * first place is opened: a fifth of a second of each start that a service without registrations does not have to wait.
 */
export function createAwsAccesses(): AwsAccesses {
  const accesses = new Map<string, Promise<AwsAccess & { close(): void }>>()
  const stopping = new AbortController()

  async function create({ accountAlias, region }: AwsPlace) {
    const [{ createIotControl }, { createRoleExaminer }] = await Promise.all([
      import('./iot-control.ts'),
      import('./role-check.ts')
    ])
    const iot = createIotControl({ accountAlias, region }, stopping.signal)
    const roles = createRoleExaminer({ accountAlias, region }, stopping.signal)
    const close = () => {
      iot.destroy()
      roles.destroy()
    }
    return { iot, examineRole: roles.examine, close }
  }

  return {
    open(place) {
      const key = `${place.region} ${place.accountAlias}`
      const access = accesses.get(key) ?? create(place)
      accesses.set(key, access)
      return access
    },
    close() {
      stopping.abort(new MintlineError('job_interrupted', 'The service was stopping.'))
      // One that is just being opened is closed once it is; its calls end at once.
      for (const access of accesses.values()) void access.then(each => each.close())
      accesses.clear()
    }
  }
}
