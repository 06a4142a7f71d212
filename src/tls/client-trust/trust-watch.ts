import type { Violation } from '../../errors/mintline-error.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { FileWatch, type WatchedFiles, type WatchOptions } from '../file-watch.ts'
import type { ClientTrust, ClientTrustText, JudgedClientTrust } from './client-trust.ts'
import { findTrustFaults } from './verification.ts'

/** Where client CAs and their CRLs come from. */
export interface TrustSource {
  /** As the files are now. Rejects with the error of the file system. */
  readonly read: () => Promise<ClientTrustText>
  readonly judge: (text: ClientTrustText) => Promise<JudgedClientTrust>
}

export interface TrustWatchOptions extends WatchOptions {
  readonly source: TrustSource
}

/** Whom certificates are taken from, followed as the files change; not ok when a CA or CRL is over. */
export class TrustWatch extends FileWatch<ClientTrustText, ClientTrust> {
  constructor(trust: ClientTrust, options: TrustWatchOptions) {
    super(trust, filesOf(options), options)
  }
}

function filesOf({ source, clock }: TrustWatchOptions): WatchedFiles<ClientTrustText, ClientTrust> {
  return {
    read: source.read,
    async judge(text) {
      const { trust, violations } = await source.judge(text)
      if (trust === undefined) return { refusal: violations }
      return { value: trust, warnings: findTrustFaults(trust, clock()).map(toWarning) }
    },
    isSame: (a, b) => a.authoritiesPem === b.authoritiesPem && a.revocationListsPem === b.revocationListsPem,
    describe: ({ anchors }) => ({
      authorities: anchors.map(({ certificate }) => describeName(certificate.subjectName)),
      revocationListsUntil: anchors.map(
        ({ revocationList }) => revocationList?.nextUpdate.toISOString() ?? null
      )
    }),
    findFault(trust, now) {
      const faults = findTrustFaults(trust, now)
      return faults.length === 0 ? undefined : faults.join('; ')
    },
    tellSound: ({ anchors }) => `client certificates of ${anchors.length} CA(s) are taken`,
    words: {
      taken: 'new client CAs and CRLs count from now on',
      mend: 'the new client CAs or CRLs should be mended',
      refused:
        'the new client CAs or CRLs cannot be used; those before still count. Put files that can be used where ' +
        'MINTLINE_TLS_CLIENT_CA_FILE and MINTLINE_TLS_CLIENT_CRL_FILE name them',
      refusedBriefly: 'the new client CAs or CRLs cannot be used; the log says why',
      fault: 'some client certificates are refused for what is in the files of client CAs and CRLs',
      notLookedAt: 'the client CAs and CRLs could not be looked at'
    }
  }
}

function toWarning(found: string): Violation {
  return {
    pointer: 'MINTLINE_TLS_CLIENT_CRL_FILE',
    expected: 'client CAs and CRLs that hold now',
    found,
    message: 'Put new ones there; the service takes them up.'
  }
}
