import { HandshakeLog } from '../../composition/listening/handshake-log.ts'
import { createPairSource, type PairFiles } from '../../config/server-pair-files.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { ServerTls } from '../../http/connections/tls-server.ts'
import type { WatchOptions } from '../../tls/file-watch.ts'
import { PairWatch } from '../../tls/pair-watch.ts'
import { UsageError } from '../command.ts'

interface Watching {
  readonly log: WatchOptions['log'] & ConstructorParameters<typeof HandshakeLog>[0]
  readonly clock: WatchOptions['clock']
}

/**
 * The certificate and key that the witness speaks TLS with, followed as their files change.
 *
 * @throws UsageError for a file that cannot be read; MintlineError `config_invalid`.
 */
export async function openPair(
  files: PairFiles | undefined,
  { log, clock }: Watching,
  stops: AsyncDisposableStack
): Promise<ServerTls | undefined> {
  if (files === undefined) return undefined
  const source = createPairSource(files, { certificate: '--tls-cert', key: '--tls-key' }, clock)
  const text = await source.read().catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${error.path ?? 'a file'} cannot be read (${error.code ?? 'unknown reason'})`)
  })
  const { pair, violations, warnings } = source.judge(text)
  if (pair === undefined)
    throw new MintlineError('config_invalid', 'The witness cannot use its TLS certificate.', { violations })
  for (const warning of warnings) log.warn(warning, 'the TLS certificate should be mended')
  const watch = new PairWatch(pair, { source, log, clock })
  stops.defer(() => watch.stop())
  const failures = new HandshakeLog(log, clock)
  return {
    current: () => watch.current(),
    follow: take => watch.follow(take),
    onFailure: failure => failures.tell(failure)
  }
}
