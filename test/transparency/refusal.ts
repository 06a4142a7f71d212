import { expect } from 'vitest'
import { isMintlineError } from '../../src/errors/mintline-error.ts'

/** Where a text was refused as malformed, and what was found there; fails where it was not. */
export function refusalOf(act: () => unknown): { readonly line: string; readonly found: string } {
  try {
    act()
  } catch (error) {
    if (!isMintlineError(error, 'note_malformed')) throw error
    const [violation] = error.violations
    return { line: violation!.pointer, found: violation!.found }
  }
  return expect.fail('it was taken')
}
