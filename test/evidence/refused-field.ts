import { expect } from 'vitest'
import { isMintlineError } from '../../src/errors/mintline-error.ts'

/** The field at which it was refused as malformed; fails where it was taken. */
export function refusedField(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (!isMintlineError(error, 'evidence_malformed')) throw error
    return error.violations[0]!.pointer.slice(1)
  }
  return expect.fail('it was taken')
}
