import { MintlineError } from '../../../errors/mintline-error.ts'
import type { AwsPlace } from '../../iot/place.ts'
import type { CertificateControls } from './certificate-control.ts'
import { createPace } from './pace.ts'

export interface CertificateAccesses {
  /** The same one for as long as the process lives, so that all keep one pace. */
  open(place: AwsPlace): Promise<CertificateControls>
  /** Ends every call, under way or to come, with `job_interrupted`. */
  close(): void
}

/**
 * Credentials and addresses come by the SDK's own chain, which is loaded when it is first needed.
 *
 * @param perSecond the most calls of each operation in a second, for each place.
 */
export function createCertificateAccesses(perSecond: number): CertificateAccesses {
  const controls = new Map<string, Promise<CertificateControls>>()
  const stopping = new AbortController()

  async function create({ accountAlias, region }: AwsPlace): Promise<CertificateControls> {
    const { createCertificateControls } = await import('./certificate-control.ts')
    const options = { pace: createPace(perSecond), stopping: stopping.signal }
    return createCertificateControls({ accountAlias, region }, options)
  }

  return {
    open(place) {
      const key = `${place.region} ${place.accountAlias}`
      const control = controls.get(key) ?? create(place)
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
