import { buildAuditEvent, systemAct } from '../../../audit/audit-event.ts'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import type { FleetDependencies } from '../dependencies.ts'
import { judgeKey } from '../keys/judging-key.ts'
import type { Walk } from '../walk/walk.ts'

/** They may all have to be read, which others wait for. */
const lookedAtOnce = 500
const closedAtOnce = 2_000

/**
 * Looks at CAs as a whole, once all their registrations have been looked at, and ends the look. One that does not go on keeps no
 * other from it.
 *
 * @param signal ends it after the step in hand; the next job goes on.
 * @throws what kept the first of those that do not go on from it.
 */
export async function judgeAuthorities(dependencies: FleetDependencies, signal: AbortSignal): Promise<void> {
  const { store, walks, clock, randomBytes } = dependencies
  let trouble: { readonly cause: unknown } | undefined
  for (const { id, hasFailed } of await walks.listReady()) {
    try {
      await judgeAuthority(dependencies, { id, hasFailed, signal })
    } catch (cause) {
      trouble ??= { cause }
    }
    if (signal.aborted) break
  }
  if (trouble !== undefined && signal.aborted) throw trouble.cause
  if (signal.aborted) return
  const time = clock()
  await store.finish(time, (id, failed) =>
    buildAuditEvent(
      { ...systemAct, act: 'fleet.finish', subject: `fleet/${id}`, after: { failed } },
      { time, randomBytes }
    )
  )
  if (trouble !== undefined) throw trouble.cause
}

async function judgeAuthority(
  dependencies: FleetDependencies,
  { id, hasFailed, signal }: Omit<Step, 'walk'> & { readonly id: string }
): Promise<void> {
  const { walks } = dependencies
  for (let walk = await walks.find(id); walk !== undefined && isOpen(walk); walk = await walks.find(id)) {
    if (signal.aborted) return
    try {
      await takeStep(dependencies, { walk, hasFailed, signal })
    } catch (error) {
      if (isMintlineError(error, 'aws_unavailable'))
        await walks.fail(walk, { code: error.code, detail: error.detail }, false)
      throw error
    }
  }
}

const isOpen = ({ phase }: Walk) => phase !== 'done' && phase !== 'failed'

interface Step {
  readonly walk: Walk
  /** One of the CA's registrations could not be looked at. */
  readonly hasFailed: boolean
  readonly signal: AbortSignal
}

async function takeStep(
  { walks, unseen, keys, authorities, clock, randomBytes }: FleetDependencies,
  { walk, hasFailed, signal }: Step
): Promise<void> {
  if (walk.phase === 'keys') {
    const own = (await authorities.generations()).find(({ id }) => id === walk.authorityId)
    return judgeKey({ keys, signer: own?.signer, now: clock(), randomBytes, signal }, walk)
  }
  // What was not listed everywhere may be where it was not listed: what was found before stays.
  if (walk.phase === 'unseen' && hasFailed) return walks.fail(walk, notAllSeen, true)
  if (walk.phase === 'unseen') return unseen.step(walk, lookedAtOnce)
  await walks.close(walk, closedAtOnce)
}

const notAllSeen = {
  code: 'not_all_looked_at',
  detail: 'Not every account and region of the CA could be looked at, so it is not known what was never seen.'
} as const
