import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { type ClientTrust, judgeClientTrust } from '../../tls/client-trust/client-trust.ts'
import type { TrustSource } from '../../tls/client-trust/trust-watch.ts'
import type { Config } from '../config.ts'
import { settings } from '../settings.ts'
import { readText } from './bounded-file.ts'

const names = { authorities: settings.tlsClientCaFile.name, revocationLists: settings.tlsClientCrlFile.name }

/**
 * The files of client CAs and their CRLs, to be read again and again.
 *
 * @returns undefined where there are none: no client certificate is looked at.
 */
export function findClientTrustFiles({ tlsClientCaFile, tlsClientCrlFile }: Config): TrustSource | undefined {
  if (tlsClientCaFile === undefined) return undefined
  return {
    async read() {
      const [authoritiesPem, revocationListsPem] = await Promise.all([
        readText(tlsClientCaFile),
        tlsClientCrlFile === undefined ? undefined : readText(tlsClientCrlFile)
      ])
      return { authoritiesPem, revocationListsPem }
    },
    judge: text => judgeClientTrust(text, names)
  }
}

/** As they are now. @throws MintlineError `config_invalid` for what cannot be used. */
export async function readClientTrust({ read, judge }: TrustSource): Promise<ClientTrust> {
  const { trust, violations } = await judge(await read().catch(refuseUnreadable))
  if (trust !== undefined) return trust
  throw refused(violations)
}

function refuseUnreadable(error: unknown): never {
  if (!(error instanceof Error) || !('code' in error)) throw error
  const path = 'path' in error ? String(error.path) : 'a file'
  throw refused([
    {
      pointer: names.authorities,
      expected: 'files that can be read, also for the CRLs',
      found: `${path} (${String(error.code)})`,
      message: 'Check path, owner, mode and length.'
    }
  ])
}

function refused(violations: readonly Violation[]): MintlineError {
  return new MintlineError('config_invalid', 'The service cannot use its client CAs or their CRLs.', {
    violations
  })
}
