import { MintlineError } from '../errors/mintline-error.ts'
import type { Clock } from '../sources/clock.ts'
import type { PairSource } from '../tls/pair-watch.ts'
import { type JudgedPair, judgePair, type PairSettings, type PairText } from '../tls/server-pair.ts'
import { readText } from './client-certificates/bounded-file.ts'
import type { Config } from './config.ts'
import { checkSecrecy } from './secrecy.ts'
import { settings } from './settings.ts'

/** The settings that name the TLS certificate and its key. */
export const serverPairSettings: PairSettings = {
  certificate: settings.tlsCertFile.name,
  key: settings.tlsKeyFile.name
}

/** Where a certificate and its key are. */
export interface PairFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/**
 * The files of the TLS certificate and its key, to be read again and again.
 *
 * @returns undefined where there are none: plain HTTP.
 */
export function findServerPairFiles(
  { tlsCertFile, tlsKeyFile }: Config,
  clock: Clock
): PairSource | undefined {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined
  return createPairSource({ certificateFile: tlsCertFile, keyFile: tlsKeyFile }, serverPairSettings, clock)
}

/** The key is as secret after a change as before. @param names what the two files are named by. */
export function createPairSource(files: PairFiles, names: PairSettings, clock: Clock): PairSource {
  const { certificateFile, keyFile } = files
  return {
    names,
    async read() {
      const [certificatePem, keyPem] = await Promise.all([readText(certificateFile), readText(keyFile)])
      return { certificatePem, keyPem }
    },
    judge(text: PairText): JudgedPair {
      const judged = judgePair(text, names, clock())
      const secrecy = checkSecrecy([{ pointer: names.key, file: keyFile }])
      const violations = [...judged.violations, ...secrecy.violations]
      return {
        pair: violations.length > 0 ? undefined : judged.pair,
        violations,
        warnings: [...judged.warnings, ...secrecy.warnings]
      }
    }
  }
}

/** What a violation of the two is told as. */
export function serverPairRefused({ violations }: JudgedPair): MintlineError {
  return new MintlineError('config_invalid', 'The service cannot use its TLS certificate.', { violations })
}
