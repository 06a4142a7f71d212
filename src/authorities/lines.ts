import { setTimeout as delay } from 'node:timers/promises'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { holderOfEnd } from '../pki/path/issuing-path.ts'
import type { Clock } from '../sources/clock.ts'
import type { Authorities, Authority } from './authority.ts'
import { cannotSign, noneActive } from './unavailable.ts'

/** Whether a line could issue at this moment. */
export interface LineState {
  readonly line: string
  /** Name of the generation that issues; undefined while there is none. */
  readonly authority: string | undefined
  /** Why the line cannot issue; undefined where it can. */
  readonly obstacle: MintlineError | undefined
}

/** What each line is able to. One that cannot issue says nothing of the others, and keeps nobody waiting. */
export interface Lines {
  /** Every line that has had a certificate, by name. Never rejects. */
  judgeAll(): Promise<readonly LineState[]>
  /** @throws MintlineError `authority_not_found`; `database_unavailable` for one that this process does not know yet. */
  judge(line: string): Promise<LineState>
}

/** A key store has this long to answer. */
const deadlineMs = 4_000

export function createLines(
  authorities: Pick<Authorities, 'list' | 'listDamaged' | 'issuing' | 'hasLine'>,
  clock: Clock
): Lines {
  async function judge(line: string): Promise<LineState> {
    const active = authorities.list().find(each => each.line === line && each.state === 'active')
    // As of the last read: a line without a generation would else be looked up each time that somebody asks.
    if (active === undefined) {
      const damaged = authorities.listDamaged().find(each => each.line === line && each.state === 'active')
      const obstacle = damaged?.obstacle ?? noneActive(line, authorities.list())
      return { line, authority: damaged?.name, obstacle }
    }
    const obstacle = await findObstacle(async () => {
      assertNotExpired(active, clock())
      await assertCanSign(authorities, active)
    })
    return { line, authority: active.name, obstacle }
  }

  return {
    judgeAll() {
      const all = [...authorities.list(), ...authorities.listDamaged()]
      return Promise.all([...new Set(all.map(({ line }) => line))].sort().map(judge))
    },
    async judge(line) {
      if (await authorities.hasLine(line)) return judge(line)
      throw new MintlineError('authority_not_found', `There is no authority line ${line}.`)
    }
  }
}

function assertNotExpired({ name, path }: Authority, now: Date): void {
  if (now < path.notAfter) return
  throw new MintlineError(
    'authority_expires_first',
    `The certificate of ${holderOfEnd(name, path)} ended ${path.notAfter.toISOString()}. Activate another generation.`
  )
}

async function assertCanSign(authorities: Pick<Authorities, 'issuing'>, authority: Authority): Promise<void> {
  const { line } = authority
  const isOver = new AbortController()
  const answer = async () => (await authorities.issuing(line)).signer.assertUsable()
  const lateness = async () => {
    await delay(deadlineMs, undefined, { signal: isOver.signal })
    const detail = `Its key store did not answer within ${deadlineMs / 1000} seconds.`
    throw cannotSign(authority, new MintlineError('signer_unavailable', detail, { retryAfterSeconds: 5 }))
  }
  await Promise.race([answer(), lateness()]).finally(() => isOver.abort())
}

async function findObstacle(probe: () => Promise<void>): Promise<MintlineError | undefined> {
  try {
    await probe()
    return undefined
  } catch (error) {
    if (isMintlineError(error)) return error
    return new MintlineError('internal_error', 'It failed for an unexpected reason; see the log.', {
      cause: error
    })
  }
}
