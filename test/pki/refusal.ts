import { isMintlineError, type MintlineError } from '../../src/errors/mintline-error.ts'

/** The Mintline error that `act` stops with, or `undefined` when it does not stop; any other error is passed on. */
export async function refusalOf(act: () => unknown): Promise<MintlineError | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    if (isMintlineError(error)) return error
    throw error
  }
}

/** The pointers of an error's violations, in their order. */
export function pointersOf(error: MintlineError | undefined): readonly string[] {
  return error?.violations.map(({ pointer }) => pointer) ?? []
}
