import { createHash } from 'node:crypto'
import { eachAtOnce } from '../../../sources/each-at-once.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { CertificateControls } from '../../push/control/certificate-control.ts'
import type { FoundFinding } from '../finding.ts'
import { callsAtOnce } from '../walk/calls-at-once.ts'
import type { Walk } from '../walk/walk.ts'
import type { Orphan, OrphanStore } from './orphan-store.ts'

interface Orphaning {
  readonly orphans: OrphanStore
  readonly controls: CertificateControls
  readonly now: Date
  readonly randomBytes: RandomBytes
}

/** In one step, some ten seconds. */
const atOnce = 200
const callMs = 50_000

/**
 * Asks AWS of the next things whose certificates it holds no more whether anything is attached to them.
 *
 * @returns whether there are none left.
 * @throws MintlineError `aws_refused`, `aws_unavailable`; then the same step is taken again.
 */
export async function findOrphans(
  { orphans, controls, ...sources }: Orphaning,
  walk: Walk
): Promise<boolean> {
  // Then AWS is asked for no things, and what was found before goes with the next look that asks.
  const things = walk.things === 'none' ? [] : await orphans.next(walk, atOnce)
  if (things.length === 0) return true
  const judged = await eachAtOnce(things, callsAtOnce, async ({ thing, intentId }) => ({
    thing,
    intentId,
    isLeft: (await controls.within(callMs).isThingFree(thing)) === true
  }))
  const found = judged.filter(({ isLeft }) => isLeft).map(orphanOf)
  await orphans.keep(walk, { ...sources, things: things.map(({ thing }) => thing), found })
  return false
}

function orphanOf({ thing, intentId }: Orphan): FoundFinding {
  const keyHex = createHash('sha256').update(thing).digest('hex')
  return { kind: 'orphaned-thing', keyHex, intentId, details: { thing } }
}
