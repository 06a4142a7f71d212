import { MintlineError } from '../errors/mintline-error.ts'

/** For whom a line signs; the database holds the same list. A line for stations signs no device, is named by no profile and is registered nowhere. */
export const authorityPurposes = ['devices', 'stations'] as const

export type AuthorityPurpose = (typeof authorityPurposes)[number]

interface Generation {
  readonly line: string
  readonly purpose: AuthorityPurpose
}

/**
 * The purpose of the next generation of a line: that of those before it, else what is asked for, else devices.
 *
 * @throws MintlineError `authority_invalid` where another is asked for than the line has.
 */
export function purposeOfNext(
  generations: readonly Generation[],
  line: string,
  asked: AuthorityPurpose | undefined
): AuthorityPurpose {
  const purpose = generations.find(each => each.line === line)?.purpose
  if (purpose === undefined) return asked ?? 'devices'
  if (asked === undefined || asked === purpose) return purpose
  throw new MintlineError(
    'authority_invalid',
    `The line ${line} signs for ${purpose}, and for nobody else.`,
    {
      violations: [
        {
          pointer: '/purpose',
          expected: `${purpose}, or nothing`,
          found: asked,
          message: `Give the line for ${asked} another name.`
        }
      ]
    }
  )
}
