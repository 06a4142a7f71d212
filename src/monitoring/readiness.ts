import type { Authorities } from '../authorities/authority.ts'
import type { AuthorityWarning } from '../authorities/rotation/warnings.ts'
import type { Database } from '../database/database.ts'
import { isMintlineError } from '../errors/mintline-error.ts'

/** Whether the service can issue right now, and what each thing it depends on says. */
export interface Readiness {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>
}

export interface ReadinessDependencies {
  readonly database: Pick<Database, 'ping'>
  readonly authorities: Pick<Authorities, 'assertUsable'>
  readonly listWarnings: () => Promise<readonly AuthorityWarning[]>
}

/** Asks each thing that an issuance needs whether it answers now. Warnings are told and keep nothing from working. */
export function createReadiness(dependencies: ReadinessDependencies): () => Promise<Readiness> {
  const { database, authorities, listWarnings } = dependencies
  return async () => {
    const [databaseCheck, signer, warnings] = await Promise.all([
      check(() => database.ping(), 'answers'),
      check(() => authorities.assertUsable(), 'can sign'),
      describeWarnings(listWarnings)
    ])
    const checks = { database: databaseCheck, signer, authorities: { ok: true, detail: warnings } }
    return { ready: databaseCheck.ok && signer.ok, checks }
  }
}

async function describeWarnings(listWarnings: ReadinessDependencies['listWarnings']): Promise<string> {
  try {
    const warnings = await listWarnings()
    return warnings.length === 0 ? 'no warnings' : warnings.map(({ message }) => message).join('; ')
  } catch {
    return 'not known while the database does not answer'
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
