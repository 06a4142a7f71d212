import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ServerCertificate {
  readonly key: string
  readonly cert: string
}

const configuration = `
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = none
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[localhost]
subjectAltName = DNS:localhost
[elsewhere]
subjectAltName = DNS:elsewhere.example
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
`

/** Certificates for a server on this machine, made by openssl: one that is well, and some with one fault each. */
export function makeServerCertificates(directory: string) {
  const run = (command: string) =>
    execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' })
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.cnf'
  const read = (name: string): ServerCertificate => ({
    key: readFileSync(join(directory, `${name}.key`), 'utf8'),
    cert: readFileSync(join(directory, `${name}.pem`), 'utf8')
  })
  writeFileSync(join(directory, 'openssl.cnf'), configuration)
  writeFileSync(join(directory, 'index.txt'), '')

  function makeSelfSigned(name: string, extensions: string): ServerCertificate {
    const request = `req -x509 ${newKey} -keyout ${name}.key -out ${name}.pem -subj /CN=${name}`
    run(`${request} -days 3650 -extensions ${extensions}`)
    return read(name)
  }

  function make(
    name: string,
    { by = 'ca', extensions = 'localhost', from = '20200101000000Z', to = '20491231235959Z' } = {}
  ): ServerCertificate {
    run(`req -new ${newKey} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`)
    const files = `-in ${name}.csr -out ${name}.pem -cert ${by}.pem -keyfile ${by}.key`
    run(
      `ca -batch -notext -config openssl.cnf ${files} -extensions ${extensions} -startdate ${from} -enddate ${to}`
    )
    return read(name)
  }

  makeSelfSigned('ca', 'authority')
  makeSelfSigned('stranger', 'authority')
  return {
    caFile: join(directory, 'ca.pem'),
    good: make('good'),
    expired: make('expired', { to: '20200201000000Z' }),
    notYet: make('not-yet', { from: '20480101000000Z' }),
    unknownIssuer: make('unknown', { by: 'stranger' }),
    selfSigned: makeSelfSigned('alone', 'localhost'),
    otherName: make('other', { extensions: 'elsewhere' })
  }
}
