import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { inSingleQuotes } from '../../config/shell.ts'

/** As `mintline tls init` names what it makes. */
export const trialFiles = { ca: 'ca.cert.pem', certificate: 'server.cert.pem', key: 'server.key.pem' }

export interface Access {
  /** One that the certificate is for, as far as it says. */
  readonly url: string
  /** What curl needs besides, with a space before it. */
  readonly curlOptions: string
}

/** How the service that listens on `url` is called from this machine. */
export function describeAccess(url: string, { tlsCertFile }: Pick<Config, 'tlsCertFile'>): Access {
  if (tlsCertFile === undefined) return { url, curlOptions: '' }
  const certificate = readCertificate(tlsCertFile)
  if (certificate === undefined) return { url, curlOptions: '' }
  const caFile = join(dirname(tlsCertFile), trialFiles.ca)
  const ca = readCertificate(caFile)
  const isTrial = ca !== undefined && certificate.verify(ca.publicKey)
  return {
    url: withNameOf(certificate, new URL(url)),
    curlOptions: isTrial ? ` --cacert ${inSingleQuotes(caFile)}` : ''
  }
}

function withNameOf(certificate: X509Certificate, url: URL): string {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const fits = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)
  if (fits !== undefined) return url.origin
  const name = /DNS:([^*,\s"]+)/.exec(certificate.subjectAltName ?? '')?.[1]
  return name === undefined ? url.origin : `https://${name}:${url.port || '443'}`
}

function readCertificate(file: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(file))
  } catch {
    return undefined
  }
}
