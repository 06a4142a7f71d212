import type { RegistrationStore } from './registration-store.ts'

/** The answer is for a person. */
const mostNamed = 5

/**
 * Whether AWS IoT holds what is asked for, everywhere, as of the last looks. What is still to be done counts as that.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function examineStanding(
  store: Pick<RegistrationStore, 'unsettled'>
): Promise<{ readonly ok: boolean; readonly detail: string }> {
  const { count, first } = await store.unsettled(mostNamed)
  if (count === 0) return { ok: true, detail: 'AWS IoT holds what is asked for' }
  const named = first.map(({ authority, region, accountAlias, state }) => {
    const account = accountAlias === '' ? '' : ` (account ${accountAlias})`
    return `${authority} in ${region}${account} is ${state}`
  })
  const rest = count - first.length
  const more = rest > 0 ? `, and ${rest} more` : ''
  return {
    ok: false,
    detail: `${named.join(', ')}${more}. GET /v1/authorities/NAME/aws-registrations says why, and what to do.`
  }
}
