import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What openssl made: files for tools, PEM for clients. */
export interface OpensslCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly certificateFile: string
  readonly privateKeyFile: string
}

export type KeyAlgorithm = 'ec' | 'rsa'

let count = 0

/** A self-signed CA. The same subject may be given to several. */
export function createCa(
  directory: string,
  subject: string,
  algorithm: KeyAlgorithm = 'ec'
): OpensslCertificate {
  const path = pathOf(directory)
  openssl([
    ...['req', '-x509', '-days', '3650', '-subj', subject, '-utf8', '-noenc'],
    ...newKeyArguments(algorithm),
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', `${path}.key`, '-out', `${path}.pem`]
  ])
  return readPair(path)
}

export interface DeviceKeyOptions {
  /** Where the files go. */
  readonly directory: string
  readonly algorithm?: KeyAlgorithm | undefined
}

/** A device certificate, valid for 30 days from now. */
export function issueDevice(
  ca: OpensslCertificate,
  subject: string,
  { directory, algorithm = 'ec' }: DeviceKeyOptions
): OpensslCertificate {
  const path = pathOf(directory)
  openssl([
    ...['req', '-new', '-subj', subject, '-utf8', '-noenc', '-multivalue-rdn'],
    ...newKeyArguments(algorithm),
    ...['-keyout', `${path}.key`, '-out', `${path}.csr`]
  ])
  writeFileSync(`${path}.ext`, 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n')
  openssl([
    ...['x509', '-req', '-sha256', '-days', '30', '-in', `${path}.csr`, '-extfile', `${path}.ext`],
    ...['-CA', ca.certificateFile, '-CAkey', ca.privateKeyFile, '-set_serial', String(1000 + count)],
    ...['-out', `${path}.pem`]
  ])
  return readPair(path)
}

function newKeyArguments(algorithm: KeyAlgorithm): string[] {
  return algorithm === 'rsa'
    ? ['-newkey', 'rsa:2048']
    : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
}

function pathOf(directory: string): string {
  count += 1
  return join(directory, `pair-${count}`)
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function readPair(path: string): OpensslCertificate {
  const read = (file: string) => readFileSync(file, 'utf8')
  return {
    certificatePem: read(`${path}.pem`),
    privateKeyPem: read(`${path}.key`),
    certificateFile: `${path}.pem`,
    privateKeyFile: `${path}.key`
  }
}
