import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import { certificateIdHex } from '../../../pki/certificate/certificate.ts'
import { systemStopwatch } from '../../../sources/clock.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { hasBadCredentials } from '../../push/carrying-out.ts'
import type { CertificateControl, CertificateControls } from '../../push/control/certificate-control.ts'
import type { FleetDependencies } from '../dependencies.ts'
import { judgeNext } from '../judging/judging.ts'
import type { WalkError } from '../reconciliation.ts'
import { askNext } from '../things/asking-things.ts'
import { findOrphans } from '../things/orphans.ts'
import type { Walk } from '../walk/walk.ts'

/** Then others have their turn. */
const turnMs = 60_000
const pageMs = 50_000
const closedAtOnce = 2_000
/** Then AWS refuses more than a marker that has become old. */
const mostRestarts = 2
/** For as long AWS may be away; then a walk ends as failed, and the next look begins anew; so does what is to be cleaned up. */
export const longestFailingSeconds = 6 * 60 * 60

/**
 * Goes on with the walks of one account and region, as far as a turn goes. Each step is kept with how far it has come in one
 * transaction, so that a crash repeats one step at the most, which changes nothing.
 *
 * @param signal ends it after the step in hand.
 * @throws MintlineError `aws_unavailable`, or `aws_refused` for the credentials: AWS does not answer now; the job is tried again.
 */
export async function runWalks(
  dependencies: FleetDependencies,
  place: AwsPlace,
  signal: AbortSignal
): Promise<void> {
  const { walks, accesses, jobs, stopwatch = systemStopwatch } = dependencies
  const endMs = stopwatch() + turnMs
  const isOver = () => signal.aborted || stopwatch() >= endMs
  const open = await walks.listOpen(place)
  if (open.length === 0) return
  const cas = await findCas(dependencies)
  let trouble: { readonly cause: unknown } | undefined
  let isCutOff = false
  for (const { id, authorityId } of open) {
    const step = async (walk: Walk) => {
      const controls = await accesses.open(place, walk.awsAccountId ?? undefined)
      await takeStep(dependencies, { controls, caCertificateId: cas.get(authorityId) }, walk)
    }
    try {
      isCutOff = !(await walkOn(dependencies, { id, step, isOver }))
      if (isCutOff) break
    } catch (cause) {
      // AWS may fail for one CA alone; the others are looked at all the same.
      trouble ??= { cause }
    }
  }
  // One that goes on is not to wait as long as the job that is tried again.
  if (trouble !== undefined && (signal.aborted || !isCutOff)) throw trouble.cause
  if (signal.aborted) return
  const left = await walks.listOpen(place)
  if (left.length > 0) await jobs.send('fleet.run', place, { key: keyOf(place) })
  else await jobs.send('fleet.judge', {})
}

/** Of the job of a place. */
export function keyOf({ accountAlias, region }: AwsPlace): string {
  return `${region} ${accountAlias}`.trim()
}

export async function findCas({
  authorities
}: Pick<FleetDependencies, 'authorities'>): Promise<ReadonlyMap<string, string>> {
  const generations = await authorities.generations()
  return new Map(
    generations.flatMap(({ id, certificateDer }) =>
      certificateDer == null ? [] : [[id, certificateIdHex(certificateDer)] as const]
    )
  )
}

interface Stepping {
  readonly id: string
  readonly step: (walk: Walk) => Promise<void>
  readonly isOver: () => boolean
}

/**
 * Takes step after step until the walk has ended, or the turn has.
 *
 * @returns whether it has ended.
 */
async function walkOn(
  { walks, judging, clock, randomBytes }: FleetDependencies,
  { id, step, isOver }: Stepping
): Promise<boolean> {
  for (;;) {
    const walk = await walks.find(id)
    if (walk === undefined || walk.phase === 'done' || walk.phase === 'failed') return true
    if (isOver()) return false
    try {
      await step(walk)
    } catch (error) {
      if (!isMintlineError(error) || !isOfAws(error)) throw error
      // An alarm waits for no permission and no quota: what AWS listed proves it.
      await judging.keepStrangers(walk, { now: clock(), randomBytes })
      const isRefused = error.code === 'aws_refused' && !hasBadCredentials(error)
      const isFinal = isRefused || (walk.failingSeconds ?? 0) > longestFailingSeconds
      await walks.fail(walk, describe(error), isFinal)
      if (!isFinal) throw error
      return true
    }
  }
}

const isOfAws = ({ code }: MintlineError) => code === 'aws_refused' || code === 'aws_unavailable'

const describe = ({ code, detail }: MintlineError): WalkError => ({ code, detail })

interface Ground {
  readonly controls: CertificateControls
  readonly caCertificateId: string | undefined
}

async function takeStep(
  { listing, judging, things, orphans, walks, clock, randomBytes }: FleetDependencies,
  { controls, caCertificateId }: Ground,
  walk: Walk
): Promise<void> {
  const { phase } = walk
  if (phase === 'listing') return listNext(listing, { controls, caCertificateId }, walk)
  const common = { controls, now: clock(), randomBytes }
  if (phase === 'judging') return judgeNext({ ...common, judging }, walk)
  if (phase === 'things') return askNext({ things, controls }, walk)
  if (await findOrphans({ ...common, orphans }, walk)) await walks.close(walk, closedAtOnce)
}

async function listNext(
  listing: FleetDependencies['listing'],
  { controls, caCertificateId }: Ground,
  walk: Walk
): Promise<void> {
  if (caCertificateId === undefined) return listing.keepPage(walk, { certificates: [], marker: undefined })
  const { marker } = walk
  const control = controls.within(pageMs)
  try {
    const page = await control.listOfCa(caCertificateId, marker ?? undefined)
    if (marker !== null && page.marker === marker) throw sameMarker
    if (marker === null && page.certificates.length === 0) await assertCa(control, caCertificateId, walk)
    await listing.keepPage(walk, page)
  } catch (error) {
    if (marker === null || walk.restarts >= mostRestarts || !isMarkerRefused(error)) throw error
    await listing.restart(walk)
  }
}

/** A marker is good for a while, which AWS does not tell. */
function isMarkerRefused(error: unknown): boolean {
  return isMintlineError(error, 'aws_refused') && error.members['awsError'] === 'InvalidRequestException'
}

const sameMarker = new MintlineError(
  'aws_refused',
  'AWS answered iot:ListCertificatesByCA with the marker that it was asked with, so that the list would never end. Check the endpoint that the service is told to use.'
)

/** Certificates of devices outlive their CA at AWS, which lists none of them then. */
async function assertCa(
  control: CertificateControl,
  caCertificateId: string,
  { authority, isRegistered }: Walk
): Promise<void> {
  if (!isRegistered || (await control.describeCa(caCertificateId)) !== undefined) return
  throw new MintlineError(
    'aws_refused',
    `AWS does not know the CA ${authority}, which was registered there, so it is not known what it holds of its certificates. Register it again, or take the registration back.`
  )
}
