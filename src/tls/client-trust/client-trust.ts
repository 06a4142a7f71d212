import { createSecureContext } from 'node:tls'
import { isMintlineError, type Violation } from '../../errors/mintline-error.ts'
import { parseCertificate } from '../../pki/certificate/certificate.ts'
import { fromBase64 } from '../../pki/der/octet-text.ts'
import { describeName } from '../../pki/path/distinguished-name.ts'
import { encodeChainPem } from '../../pki/pem/pem.ts'
import { authorityFault } from './authority-fault.ts'
import { readRevocationLists } from './revocation-lists.ts'
import { pemBlocks, type TrustAnchor, verificationKeyOf, withoutStop } from './trust-anchor.ts'

/** The CAs whose certificates let clients in, and what they have revoked, as their files hold it. */
export interface ClientTrustText {
  /** PEM. */
  readonly authoritiesPem: string
  /** PEM; undefined where revocation is not looked at. */
  readonly revocationListsPem: string | undefined
}

export interface ClientTrust extends ClientTrustText {
  readonly anchors: readonly TrustAnchor[]
  /** Whether a certificate of a CA of the file without a CRL is refused. */
  readonly isRevocationRequired: boolean
  /** By the SHA-256 of its key: the authorities that sign for devices. No client gets in by one of them. */
  readonly deviceAuthorities: ReadonlyMap<string, string>
}

/** The settings that name the two files. */
export interface ClientTrustSettings {
  readonly authorities: string
  readonly revocationLists: string
}

export interface JudgedClientTrust {
  /** Undefined where there are violations. */
  readonly trust: ClientTrust | undefined
  readonly violations: readonly Violation[]
}

/** Enough for any factory, and few enough to be tried one after the other. */
const maximumAuthorities = 100

const expected = `certificates of CAs in PEM, at most ${maximumAuthorities}, with keys RSA 2048 to 4096 or EC P-256, P-384, P-521`

/**
 * Holds the files against what certificates of clients can be verified with. Times are not looked at: what is over is
 * refused when a client comes, and `findTrustFault` tells of it. `pointer` is the name of the setting.
 */
export async function judgeClientTrust(
  text: ClientTrustText,
  settings: ClientTrustSettings
): Promise<JudgedClientTrust> {
  const read = await readAuthorities(text.authoritiesPem, settings.authorities)
  if ('violations' in read) return { trust: undefined, violations: read.violations }
  const { revocationListsPem } = text
  if (revocationListsPem === undefined) {
    const { anchors } = read
    const trust = { ...text, anchors, isRevocationRequired: false, deviceAuthorities: new Map() }
    return { trust, violations: [] }
  }
  const { anchors, violations } = await readRevocationLists(
    revocationListsPem,
    settings.revocationLists,
    read.anchors
  )
  if (violations.length > 0) return { trust: undefined, violations }
  return {
    trust: { ...text, anchors, isRevocationRequired: true, deviceAuthorities: new Map() },
    violations: []
  }
}

type ReadAuthorities =
  { readonly anchors: readonly TrustAnchor[] } | { readonly violations: readonly Violation[] }

async function readAuthorities(pem: string, pointer: string): Promise<ReadAuthorities> {
  const blocks = pemBlocks(pem, 'CERTIFICATE')
  const refuse = (found: string, message: string) => ({
    violations: [{ pointer, expected, found, message }]
  })
  if (blocks.length === 0) {
    return refuse(
      'no certificate in PEM',
      'Name the file with the certificate of the CA that issues for clients. One in DER becomes PEM by `openssl x509 -inform DER -in FILE -out NEW`.'
    )
  }
  if (blocks.length > maximumAuthorities)
    return refuse(`${blocks.length} of them`, 'Leave those that issue for clients.')
  const anchors: TrustAnchor[] = []
  for (const [index, block] of blocks.entries()) {
    const place = `certificate ${index + 1} of ${blocks.length}`
    try {
      const certificate = parseCertificate(fromBase64(block, false), 'certificate_malformed')
      const fault = authorityFault(certificate)
      if (fault !== undefined)
        return refuse(`${place} (${describeName(certificate.subjectName)}), ${fault}`, 'Take it out.')
      const key = await verificationKeyOf(certificate)
      anchors.push({ certificate, key, origin: 'file', revocationList: undefined })
    } catch (error) {
      if (error instanceof SyntaxError) return refuse(`${place}, which is no base64`, 'Replace it.')
      if (!isMintlineError(error)) throw error
      return refuse(
        `${place}, which cannot be used: ${withoutStop(error.detail)}`,
        'Take it out, or replace it.'
      )
    }
  }
  return findOpensslFault(anchors) ? refuse('some that OpenSSL does not take', 'Replace them.') : { anchors }
}

/** Whether a server could not be told of them. */
function findOpensslFault(anchors: readonly TrustAnchor[]): boolean {
  try {
    createSecureContext({ ca: authoritiesPemOf({ anchors }) })
    return false
  } catch {
    return true
  }
}

/** As OpenSSL is to have it: what else stands in the file is left out. */
export function authoritiesPemOf({ anchors }: Pick<ClientTrust, 'anchors'>): string {
  return encodeChainPem(anchors.map(({ certificate }) => certificate.der))
}
