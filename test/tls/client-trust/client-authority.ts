import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openssl } from '../pairs.ts'

/** A CA for clients, and what it did, in a directory of its own; all by openssl. */
export interface ClientAuthority {
  readonly certificateFile: string
  readonly certificatePem: string
  /** A certificate of that CN. */
  issue(commonName: string, request?: ClientRequest): ClientPair
  /** Another CA below this one. */
  issueAuthority(name: string, request?: ClientRequest): ClientAuthority
  revoke(pair: Pick<ClientPair, 'certificateFile'>): void
  /** Its CRL as of now, in PEM; without extensions, of version 1 where `isFirstVersion`. Extensions are those of the section of that name. */
  revocationList(request?: ListRequest): string
}

export interface ClientPair {
  readonly certificateFile: string
  readonly keyFile: string
  readonly certificatePem: string
}

interface ClientRequest {
  /** GeneralizedTime, e.g. `20200101000000Z`. */
  readonly notBefore?: string
  readonly notAfter?: string
  /** Lines of openssl's configuration. */
  readonly extensions?: readonly string[]
  /** For genpkey. */
  readonly key?: string
}

interface ListRequest {
  /** GeneralizedTime. */
  readonly nextUpdate?: string
  readonly thisUpdate?: string
  readonly extensions?: readonly string[]
  readonly isFirstVersion?: boolean
}

const p256 = '-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
const ofClient = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=clientAuth']
export const ofAuthority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']

export function makeClientAuthority(directory: string, name: string): ClientAuthority {
  const folder = join(directory, `ca-${name}`)
  mkdirSync(folder)
  const keyFile = join(folder, 'ca.key')
  const certificateFile = join(folder, 'ca.pem')
  openssl(`genpkey ${p256} -out ${keyFile}`)
  openssl(
    `req -x509 -new -key ${keyFile} -out ${certificateFile} -subj /O=Acme/CN=${name} -days 3650 ${ofAuthority.map(each => `-addext ${each}`).join(' ')}`
  )
  return openAuthority(folder)
}

function openAuthority(folder: string): ClientAuthority {
  const file = (name: string) => join(folder, name)
  writeFileSync(file('index.txt'), '')
  writeFileSync(file('serial'), '1000')
  writeFileSync(file('crlnumber'), '01')
  const configure = (name: string, extensions: readonly string[], isNumbered = true) => {
    const common = `dir=${folder}\ndatabase=$dir/index.txt\nserial=$dir/serial\nnew_certs_dir=$dir`
    const numbered = isNumbered ? '\ncrlnumber=$dir/crlnumber' : ''
    const policy = 'default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied'
    const text = `[ca]\ndefault_ca=one\n[one]\n${common}${numbered}\n${policy}\n[added]\n${extensions.join('\n')}\n`
    writeFileSync(file(name), text)
    return `-config ${file(name)} -cert ${file('ca.pem')} -keyfile ${file('ca.key')}`
  }
  let issued = 0
  const certify = (commonName: string, place: string, request: ClientRequest): ClientPair => {
    const { notBefore = '20200101000000Z', notAfter = '20991231000000Z', key = p256 } = request
    const { extensions = ofClient } = request
    const [keyFile, certificateFile, csrFile] = ['key', 'pem', 'csr'].map(each => `${place}.${each}`) as [
      string,
      string,
      string
    ]
    openssl(`genpkey ${key} -out ${keyFile}`)
    openssl(`req -new -key ${keyFile} -out ${csrFile} -subj /CN=${commonName}`)
    openssl(
      `ca -batch -notext ${configure('issue.cnf', extensions)} -in ${csrFile} -out ${certificateFile} ` +
        `-startdate ${notBefore} -enddate ${notAfter} ${extensions.length > 0 ? '-extensions added' : ''}`
    )
    return { keyFile, certificateFile, certificatePem: readFileSync(certificateFile, 'utf8') }
  }
  const certificateFile = file('ca.pem')
  return {
    certificateFile,
    certificatePem: readFileSync(certificateFile, 'utf8'),
    issue: (commonName, request = {}) => certify(commonName, file(`client-${++issued}`), request),
    issueAuthority(name, request = {}) {
      const below = file(`ca-${name}`)
      mkdirSync(below)
      certify(name, join(below, 'ca'), { extensions: ofAuthority, ...request })
      return openAuthority(below)
    },
    revoke: pair => void openssl(`ca ${configure('revoke.cnf', [])} -revoke ${pair.certificateFile}`),
    revocationList({ thisUpdate, nextUpdate = '20991231000000Z', ...rest } = {}) {
      const since = thisUpdate === undefined ? '' : `-crl_lastupdate ${thisUpdate}`
      const { extensions = [], isFirstVersion = false } = rest
      const added = extensions.length > 0 ? '-crlexts added' : ''
      openssl(
        `ca -gencrl ${configure('list.cnf', extensions, !isFirstVersion)} -out ${file('crl.pem')} ${since} -crl_nextupdate ${nextUpdate} ${added}`
      )
      return readFileSync(file('crl.pem'), 'utf8')
    }
  }
}
