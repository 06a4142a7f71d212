import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PairText } from '../../src/tls/server-pair.ts'

export interface MadePair extends PairText {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface PairRequest {
  readonly days?: number
  /** Of `openssl genpkey`. */
  readonly key?: string
  /** Of `openssl req -addext`; none for a certificate without names. */
  readonly extensions?: readonly string[]
}

const p256 = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
const localNames = 'subjectAltName=DNS:localhost,IP:127.0.0.1'

/** A self-signed certificate for this machine and its key, in files of that name; made by openssl. */
export function makePair(directory: string, name: string, request: PairRequest = {}): MadePair {
  const { days = 90, key = p256, extensions = [localNames] } = request
  const certificateFile = join(directory, `${name}.pem`)
  const keyFile = join(directory, `${name}.key`)
  openssl(`genpkey ${key} -out ${keyFile}`)
  const added = extensions.map(extension => `-addext ${extension}`).join(' ')
  openssl(`req -x509 -new -key ${keyFile} -out ${certificateFile} -subj /CN=${name} -days ${days} ${added}`)
  return {
    certificateFile,
    keyFile,
    certificatePem: readFileSync(certificateFile, 'utf8'),
    keyPem: readFileSync(keyFile, 'utf8')
  }
}

export function openssl(command: string): Buffer {
  return execFileSync('openssl', command.trim().split(/ +/), { stdio: 'pipe' })
}
