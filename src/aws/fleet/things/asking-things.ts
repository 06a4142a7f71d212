import { eachAtOnce } from '../../../sources/each-at-once.ts'
import type { CertificateControls } from '../../push/control/certificate-control.ts'
import { callsAtOnce } from '../walk/calls-at-once.ts'
import type { Walk } from '../walk/walk.ts'
import type { ThingStore } from './thing-store.ts'

interface Asking {
  readonly things: ThingStore
  readonly controls: CertificateControls
}

/** In one step: where AWS is asked of all of them, some twenty seconds. */
const atOnce = 200
const callMs = 50_000

/**
 * Asks AWS of the next certificates which things they are attached to.
 *
 * @throws MintlineError `aws_refused`, `aws_unavailable`; then the same step is taken again.
 */
export async function askNext({ things, controls }: Asking, walk: Walk): Promise<void> {
  const { toAsk, position } = await things.next(walk, atOnce)
  if (position === undefined) {
    await things.keep(walk, { phase: 'closing', position: null }, [])
    return
  }
  const asked = await eachAtOnce(toAsk, callsAtOnce, async certificateId => ({
    certificateId,
    things: await controls.within(callMs).listThings(`${walk.arnPrefix ?? ''}${certificateId}`)
  }))
  await things.keep(walk, { phase: 'things', position }, asked)
}
