import {
  type ClientCertificates,
  createClientCertificates
} from '../../access/client-certificate/client-certificates.ts'
import type { Authority } from '../../authorities/authority.ts'
import { findClientTrustFiles, readClientTrust } from '../../config/client-certificates/client-trust-files.ts'
import type { ClientTrust } from '../../tls/client-trust/client-trust.ts'
import { findOwnFaults, withOwnAuthorities } from '../../tls/client-trust/own-authorities.ts'
import { TrustWatch } from '../../tls/client-trust/trust-watch.ts'
import { findTrustFaults } from '../../tls/client-trust/verification.ts'
import type { Core } from '../core.ts'

/** Whose client certificates are taken now: of the CAs in the files, and of the lines for stations. */
export interface OpenedClientTrust {
  readonly current: () => ClientTrust
  /** Told when others count. @returns a function that ends it. */
  readonly follow: (take: () => void) => () => void
  readonly examine: TrustWatch['examine']
}

type TrustCore = Pick<Core, 'config' | 'log' | 'clock' | 'authorities'>

/**
 * Whose client certificates are taken, where the settings say it, followed from then on.
 *
 * @throws MintlineError `config_invalid` for files that cannot be used.
 */
export async function openClientTrust(
  core: TrustCore,
  stops: AsyncDisposableStack
): Promise<OpenedClientTrust | undefined> {
  const { authorities, config, log, clock } = core
  const takesStations = config.stationCertificates
  const watch = await watchFiles(core, stops)
  if (watch === undefined && !takesStations) return undefined
  const current = joined({ files: () => watch?.current(), own: () => authorities.list(), takesStations })
  const findFaults = () => findOwnFaults(current(), takesStations ? authorities.list() : [])
  const faults = [...findTrustFaults(current(), clock()), ...findFaults()]
  for (const found of new Set(faults)) log.warn({ found }, 'client certificates are refused')
  return {
    current,
    follow(take) {
      let taken = current()
      const look = () => {
        if (current() === taken) return
        taken = current()
        take()
      }
      const ends = [watch?.follow(look), authorities.follow(look)]
      return () => ends.forEach(end => end?.())
    },
    examine() {
      const ofFiles = watch?.examine() ?? { ok: true, detail: "stations' own client certificates are taken" }
      const found = findFaults()
      if (found.length === 0) return ofFiles
      return { ok: false, detail: [...(ofFiles.ok ? [] : [ofFiles.detail]), ...found].join('; ') }
    }
  }
}

async function watchFiles(
  { config, log, clock }: TrustCore,
  stops: AsyncDisposableStack
): Promise<TrustWatch | undefined> {
  const source = findClientTrustFiles(config)
  if (source === undefined) return undefined
  const watch = new TrustWatch(await readClientTrust(source), { source, log, clock })
  stops.defer(() => watch.stop())
  return watch
}

interface Sources {
  readonly files: () => ClientTrust | undefined
  readonly own: () => readonly Authority[]
  readonly takesStations: boolean
}

/** The same value as long as nothing has changed: what was verified by it is not verified again. */
function joined({ files, own, takesStations }: Sources): () => ClientTrust {
  let seen = { files: files(), own: own() }
  let stamp = stampOf(seen.own)
  let trust = withOwnAuthorities(seen.files, seen.own, { takesStations })
  return () => {
    const now = { files: files(), own: own() }
    if (now.files === seen.files && now.own === seen.own) return trust
    const stampNow = stampOf(now.own)
    if (now.files !== seen.files || stampNow !== stamp)
      trust = withOwnAuthorities(now.files, now.own, { takesStations })
    seen = now
    stamp = stampNow
    return trust
  }
}

/** Of an authority nothing but the state changes. */
function stampOf(own: readonly Authority[]): string {
  return own.map(({ id, state }) => `${id} ${state}`).join()
}

/** Whom certificates let in; undefined where none is looked at. */
export function openClientCertificates(
  { stationCertificates: stations, clock }: Pick<Core, 'stationCertificates' | 'clock'>,
  trust: OpenedClientTrust | undefined
): ClientCertificates | undefined {
  return trust && createClientCertificates({ trust: trust.current, stations, clock })
}
