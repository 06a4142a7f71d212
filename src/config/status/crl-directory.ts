import { access, constants, stat } from 'node:fs/promises'
import type { Violation } from '../../errors/mintline-error.ts'
import { untilAborted } from '../../sources/until-aborted.ts'
import { crlSettings } from './crl-settings.ts'

/** Of a share whose server is away, the file system may never answer. */
const timeoutMs = 5_000

/**
 * Whether CRLs can be put into the directory now. The service starts without it, since it may be a share that comes later.
 *
 * @returns what there is to warn of.
 */
export async function checkCrlDirectory(directory: string | undefined): Promise<readonly Violation[]> {
  if (directory === undefined) return []
  const refuse = (found: string, message: string): readonly Violation[] => [
    {
      pointer: crlSettings.crlDirectory.name,
      expected: 'a directory that is there and can be written',
      found,
      message: `${message} No CRL is put there until then.`
    }
  ]
  try {
    return await untilAborted(async () => {
      if (!(await stat(directory)).isDirectory())
        return refuse(`${directory}, which is no directory`, 'Name a directory.')
      await access(directory, constants.W_OK | constants.X_OK)
      return []
    }, AbortSignal.timeout(timeoutMs))
  } catch (error) {
    const { name, code = 'unknown reason' } = error as NodeJS.ErrnoException
    return refuse(
      `${directory} (${name === 'TimeoutError' ? 'it does not answer' : code})`,
      'Make it or mount it, and let the user who runs Mintline write into it.'
    )
  }
}
