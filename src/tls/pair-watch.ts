import { FileWatch, type WatchedFiles, type WatchOptions } from './file-watch.ts'
import {
  describe,
  findValidityFault,
  type JudgedPair,
  type PairSettings,
  type PairText,
  type ServerPair
} from './server-pair.ts'

/** Where the pair comes from. */
export interface PairSource {
  /** What the operator names the two files by. */
  readonly names: PairSettings
  /** Both files as they are now. Rejects with the error of the file system. */
  readonly read: () => Promise<PairText>
  readonly judge: (text: PairText) => JudgedPair
}

export interface PairWatchOptions extends WatchOptions {
  readonly source: PairSource
}

/** The pair that is served, followed as its files change; not ok when the end of the certificate is near. */
export class PairWatch extends FileWatch<PairText, ServerPair> {
  constructor(pair: ServerPair, options: PairWatchOptions) {
    super(pair, filesOf(options), options)
  }
}

function filesOf({ source, clock }: PairWatchOptions): WatchedFiles<PairText, ServerPair> {
  return {
    read: source.read,
    judge(text) {
      const { pair, violations, warnings } = source.judge(text)
      if (pair === undefined) return { refusal: violations }
      const validity = findValidityFault(pair, clock())
      if (validity?.isValid === false) return { refusal: `${validity.found}. ${validity.message}` }
      return { value: pair, warnings }
    },
    isSame: (a, b) => a.certificatePem === b.certificatePem && a.keyPem === b.keyPem,
    describe: ({ certificate }) => ({
      certificate: describe(certificate),
      notAfter: certificate.validToDate.toISOString()
    }),
    findFault(pair, now) {
      const fault = findValidityFault(pair, now)
      return fault && `${fault.found}. ${fault.message}`
    },
    tellSound: ({ certificate }) => `valid until ${certificate.validToDate.toISOString()}`,
    words: {
      taken: 'a new TLS certificate is served from now on',
      mend: 'the new TLS certificate should be mended',
      refused:
        'the new TLS certificate or key cannot be used; the one before is still served. Put a pair that belongs together ' +
        `where ${source.names.certificate} and ${source.names.key} name it`,
      refusedBriefly: 'the new TLS certificate or key cannot be used; the log says why',
      fault: 'the TLS certificate is at its end',
      notLookedAt: 'the TLS certificate could not be looked at'
    }
  }
}
