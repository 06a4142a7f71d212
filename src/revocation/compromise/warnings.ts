import { parseCertificate } from '../../pki/certificate/certificate.ts'
import type { CompromiseStore, Unfinished } from './compromise.ts'

export interface CompromiseWarning {
  readonly kind: 'compromise_incomplete'
  readonly authority: string
  readonly message: string
}

/**
 * Of each compromised generation, what the order that revokes all of it could not do, until the generation's certificate ends: none of
 * what it issued outlasts that.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function listCompromiseWarnings(
  store: Pick<CompromiseStore, 'listUnfinished'>,
  now: Date
): Promise<readonly CompromiseWarning[]> {
  const unfinished = await store.listUnfinished()
  return unfinished
    .filter(
      ({ certificateDer }) => certificateDer === null || parseCertificate(certificateDer).notAfter > now
    )
    .map(each => ({ kind: 'compromise_incomplete', authority: each.authority, message: describe(each) }))
}

function describe({ authority, failed, detachedMonths }: Unfinished): string {
  const left = [
    ...(failed > 0 ? [`${failed} of its certificates could not be revoked`] : []),
    ...(detachedMonths.length > 0
      ? [`what it issued in ${detachedMonths.join(', ')} is not revoked, since that is detached: attach it`]
      : [])
  ]
  return `${authority} is compromised, and ${left.join('; ')}. POST /v1/revocations with "select": {"authority": "${authority}"} revokes the rest`
}
