import { MintlineError } from '../../errors/mintline-error.ts'

/** @param narrower what to ask for instead. */
export function searchTooBroad(detail: string, narrower: string): MintlineError {
  return new MintlineError('search_too_broad', `${detail} ${narrower}`)
}

export const addConditions = 'Add from and to nearer to each other, or a station, line, lot, profile or code.'
