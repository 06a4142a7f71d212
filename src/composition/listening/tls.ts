import { findServerPairFiles, serverPairRefused } from '../../config/server-pair-files.ts'
import type { ServerTls } from '../../http/connections/tls-server.ts'
import { PairWatch } from '../../tls/pair-watch.ts'
import type { Core } from '../core.ts'
import { HandshakeLog } from './handshake-log.ts'

export interface OpenedTls extends ServerTls {
  readonly examine: PairWatch['examine']
}

/**
 * What the server is to speak TLS with, where the settings ask for it, followed from then on.
 *
 * @throws MintlineError `config_invalid` for a pair that cannot be used; the error of the file system.
 */
export async function openTls(
  { config, log, clock }: Pick<Core, 'config' | 'log' | 'clock'>,
  stops: AsyncDisposableStack
): Promise<OpenedTls | undefined> {
  const source = findServerPairFiles(config, clock)
  if (source === undefined) return undefined
  const judged = source.judge(await source.read())
  if (judged.pair === undefined) throw serverPairRefused(judged)
  const watch = new PairWatch(judged.pair, { source, log, clock })
  stops.defer(() => watch.stop())
  const failures = new HandshakeLog(log, clock)
  return {
    current: () => watch.current(),
    examine: () => watch.examine(),
    follow: take => watch.follow(take),
    onFailure: failure => failures.tell(failure)
  }
}
