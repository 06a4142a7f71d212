import { MintlineError } from '../../../errors/mintline-error.ts'
import type { AwsPlace } from '../../iot/place.ts'
import type { CertificateControls } from './certificate-control.ts'
import { createPace, type Pace } from './pace.ts'

export interface CertificateAccesses {
  /**
   * The same one for as long as the process lives.
   *
   * @param awsAccountId of the place, where that is known: all aliases of an account keep one pace in a region.
   */
  open(place: AwsPlace, awsAccountId?: string): Promise<CertificateControls>
  /** Ends every call, under way or to come, with `job_interrupted`. */
  close(): void
}

/**
 * Credentials and addresses come by the SDK's own chain, which is loaded when it is first needed.
 *
 * @param perSecond the most calls of each operation in a second, for each account and region.
 */
export function createCertificateAccesses(perSecond: number): CertificateAccesses {
  const controls = new Map<string, Promise<CertificateControls>>()
  const paces = new Map<string, Pace>()
  const stopping = new AbortController()

  function paceOf(key: string): Pace {
    const pace = paces.get(key) ?? createPace(perSecond)
    paces.set(key, pace)
    return pace
  }

  async function create({ accountAlias, region }: AwsPlace, pace: Pace): Promise<CertificateControls> {
    const { createCertificateControls } = await import('./certificate-control.ts')
    const options = { pace, stopping: stopping.signal }
    return createCertificateControls({ accountAlias, region }, options)
  }

  return {
    open(place, awsAccountId) {
      const { region, accountAlias } = place
      const account = awsAccountId ?? `alias ${accountAlias}`
      // What becomes known of an account gives its alias another pace: once, when its first registration is done.
      const key = `${region} ${accountAlias} ${account}`
      const control = controls.get(key) ?? create(place, paceOf(`${region} ${account}`))
      controls.set(key, control)
      return control
    },
    close() {
      stopping.abort(new MintlineError('job_interrupted', 'The service was stopping.'))
      for (const control of controls.values()) void control.then(each => each.destroy())
      controls.clear()
    }
  }
}
