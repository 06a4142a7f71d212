import type { Authorities } from './authorities/authority.ts'
import type { Database } from './database/database.ts'
import { isMintlineError } from './errors.ts'
import type { Readiness } from './http/services.ts'

export interface ReadinessDependencies {
  readonly database: Pick<Database, 'ping'>
  readonly authorities: Pick<Authorities, 'assertUsable'>
}

/** Asks each thing that an issuance needs whether it answers now. */
export function createReadiness({ database, authorities }: ReadinessDependencies): () => Promise<Readiness> {
  return async () => {
    const [databaseCheck, signer] = await Promise.all([
      check(() => database.ping(), 'answers'),
      check(() => authorities.assertUsable(), 'can sign')
    ])
    return { ready: databaseCheck.ok && signer.ok, checks: { database: databaseCheck, signer } }
  }
}

async function check(
  probe: () => Promise<void>,
  detailWhenOk: string
): Promise<{ ok: boolean; detail: string }> {
  try {
    await probe()
    return { ok: true, detail: detailWhenOk }
  } catch (error) {
    return {
      ok: false,
      detail: isMintlineError(error) ? error.detail : 'failed for an unexpected reason; see the log'
    }
  }
}
