import { isMintlineError } from '../../errors/mintline-error.ts'
import type { Profiles } from '../profile.ts'

/** What a profile says of devices that have a certificate. */
export interface ReissueRules {
  readonly reissue: 'refuse' | 'supersede' | 'allow'
  /** With `allow`: how many certificates a device may have. */
  readonly atOnce: number
  readonly sameKey: 'refuse' | 'allow'
}

/** Of the newest version of the profile. Of one that is not there any more, that nothing is allowed. */
export async function reissueOf(
  profile: string,
  { profiles }: { readonly profiles: Pick<Profiles, 'current'> }
): Promise<ReissueRules> {
  const document = await profiles.current(profile).then(
    ({ version }) => version.document,
    (error: unknown) => {
      if (!isMintlineError(error, 'profile_not_found')) throw error
      return undefined
    }
  )
  const { reissue = 'refuse', sameKey = 'refuse' } = document ?? {}
  return typeof reissue === 'object'
    ? { reissue: 'allow', atOnce: reissue.allow, sameKey }
    : { reissue, atOnce: 1, sameKey }
}
