import {
  type ClientCertificates,
  createClientCertificates
} from '../../access/client-certificate/client-certificates.ts'
import { findClientTrustFiles, readClientTrust } from '../../config/client-certificates/client-trust-files.ts'
import { TrustWatch } from '../../tls/client-trust/trust-watch.ts'
import { findTrustFaults } from '../../tls/client-trust/verification.ts'
import type { Core } from '../core.ts'

/**
 * Whose client certificates are taken, where the settings say it, followed from then on.
 *
 * @throws MintlineError `config_invalid` for files that cannot be used.
 */
export async function openClientTrust(
  { config, log, clock }: Pick<Core, 'config' | 'log' | 'clock'>,
  stops: AsyncDisposableStack
): Promise<TrustWatch | undefined> {
  const source = findClientTrustFiles(config)
  if (source === undefined) return undefined
  const trust = await readClientTrust(source)
  for (const found of findTrustFaults(trust, clock())) log.warn({ found }, 'client certificates are refused')
  const watch = new TrustWatch(trust, { source, log, clock })
  stops.defer(() => watch.stop())
  return watch
}

/** Whom certificates let in; undefined where none is looked at. */
export function openClientCertificates(
  { stationCertificates: stations, clock }: Pick<Core, 'stationCertificates' | 'clock'>,
  trust: TrustWatch | undefined
): ClientCertificates | undefined {
  return trust && createClientCertificates({ trust: () => trust.current(), stations, clock })
}
