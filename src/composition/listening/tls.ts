import { findServerPairFiles, serverPairRefused } from '../../config/server-pair-files.ts'
import type { ServerTls } from '../../http/connections/tls-server.ts'
import { authoritiesPemOf } from '../../tls/client-trust/client-trust.ts'
import { PairWatch } from '../../tls/pair-watch.ts'
import type { Core } from '../core.ts'
import type { OpenedClientTrust } from './client-trust.ts'
import { HandshakeLog } from './handshake-log.ts'

export interface OpenedTls extends ServerTls {
  readonly examine: PairWatch['examine']
}

/**
 * What the server is to speak TLS with, where the settings ask for it, followed from then on.
 *
 * @param trust whose clients are asked for a certificate; without it, none is.
 * @throws MintlineError `config_invalid` for a pair that cannot be used; the error of the file system.
 */
export async function openTls(
  { config, log, clock }: Pick<Core, 'config' | 'log' | 'clock'>,
  stops: AsyncDisposableStack,
  trust: OpenedClientTrust | undefined
): Promise<OpenedTls | undefined> {
  const source = findServerPairFiles(config, clock)
  if (source === undefined) return undefined
  const judged = source.judge(await source.read())
  if (judged.pair === undefined) throw serverPairRefused(judged)
  const watch = new PairWatch(judged.pair, { source, log, clock })
  stops.defer(() => watch.stop())
  const failures = new HandshakeLog(log, clock)
  const current = () => ({
    ...watch.current(),
    ...(trust && { clientAuthoritiesPem: authoritiesPemOf(trust.current()) })
  })
  return {
    current,
    examine: () => watch.examine(),
    follow(take) {
      const ends = [watch.follow(() => take(current())), trust?.follow(() => take(current()))]
      return () => ends.forEach(end => end?.())
    },
    onFailure: failure => failures.tell(failure)
  }
}

type Examination = ReturnType<PairWatch['examine']>

/** Both in one: the certificate of the server, and whom client certificates are taken from. */
export function examineBoth(
  ...examiners: readonly (Pick<PairWatch, 'examine'> | undefined)[]
): (() => Examination) | undefined {
  const there = examiners.filter(each => each !== undefined)
  if (there.length === 0) return undefined
  return () => {
    const found = there.map(each => each.examine())
    return { ok: found.every(({ ok }) => ok), detail: found.map(({ detail }) => detail).join('; ') }
  }
}
