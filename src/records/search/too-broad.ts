import { MintlineError } from '../../errors/mintline-error.ts'

/** @param narrower what to ask for instead. */
export function searchTooBroad(detail: string, narrower: string, cause?: unknown): MintlineError {
  return new MintlineError('search_too_broad', `${detail} ${narrower}`, { cause })
}
