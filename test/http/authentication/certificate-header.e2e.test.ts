import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { createProxies } from '../../../src/http/authentication/proxies.ts'
import { toHex } from '../../../src/pki/der/octet-text.ts'
import type { CertificateHeader } from '../../../src/tls/certificate-header.ts'
import { askWithCurl } from '../../e2e/tls/clients.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { type ClientAuthority, makeClientAuthority } from '../../tls/client-trust/client-authority.ts'

interface InPem {
  readonly certificatePem: string
}

/** What it is, the header lines, and what is read of them. */
type Good = readonly [string, readonly string[], ...InPem[]]

const rawOf = ({ certificatePem }: InPem) => new X509Certificate(certificatePem).raw
const base64Of = (certificate: InPem) => rawOf(certificate).toString('base64')
const hexOf = (certificate: InPem) => rawOf(certificate).toString('hex')
const escaped = ({ certificatePem }: InPem) => encodeURIComponent(certificatePem)

let directory: TemporaryDirectory
let ca: ClientAuthority
let between: ClientAuthority
let seven: InPem
let deep: InPem
let stranger: InPem

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  ca = makeClientAuthority(directory.path, 'stations')
  between = ca.issueAuthority('between')
  seven = ca.issue('station-7')
  deep = between.issue('station-7')
  stranger = ca.issue('station-8')
})
afterAll(() => directory.remove())

describe.each<[CertificateHeader, () => readonly Good[], () => Readonly<Record<string, readonly string[]>>]>([
  [
    'Client-Cert',
    () => [
      ['alone', [`Client-Cert: :${base64Of(seven)}:`], seven],
      [
        'with a chain',
        [`Client-Cert: :${base64Of(deep)}:`, `Client-Cert-Chain: :${base64Of(between)}:, :${base64Of(ca)}:`],
        ...[deep, between, ca]
      ],
      [
        'with a chain on two lines',
        [
          `Client-Cert: :${base64Of(deep)}:`,
          `Client-Cert-Chain: :${base64Of(between)}:`,
          `Client-Cert-Chain: :${base64Of(ca)}:`
        ],
        ...[deep, between, ca]
      ]
    ],
    () => ({
      twice: [`Client-Cert: :${base64Of(seven)}:`, `Client-Cert: :${base64Of(seven)}:`],
      'two in one': [`Client-Cert: :${base64Of(seven)}:, :${base64Of(seven)}:`],
      'without colons': [`Client-Cert: ${base64Of(seven)}`],
      empty: ['Client-Cert;'],
      'the chain alone': [`Client-Cert-Chain: :${base64Of(seven)}:`],
      'a chain that is none': [`Client-Cert: :${base64Of(seven)}:`, 'Client-Cert-Chain: x'],
      'a chain without end': [
        `Client-Cert: :${base64Of(seven)}:`,
        `Client-Cert-Chain: ${':AAAA:,'.repeat(500)}:AAAA:`
      ],
      'with another header': [`Client-Cert: :${base64Of(seven)}:`, `X-SSL-Client-Cert: ${escaped(seven)}`],
      huge: [`Client-Cert: :${'A'.repeat(13_000)}:`]
    })
  ],
  [
    'X-Forwarded-Client-Cert',
    () => [
      [
        'as Envoy writes it',
        [
          `X-Forwarded-Client-Cert: By=spiffe://a/b;Hash=${'0'.repeat(64)};Cert="${escaped(seven)}";Subject="CN=\\"x\\",O=a;b";URI=`
        ],
        seven
      ],
      [
        'with a chain',
        [`X-Forwarded-Client-Cert: Cert="${escaped(deep)}";Chain="${escaped(deep)}${escaped(between)}"`],
        ...[deep, between]
      ],
      ['by a chain alone', [`X-Forwarded-Client-Cert: Chain="${escaped(seven)}"`], seven]
    ],
    () => ({
      'two elements': [`X-Forwarded-Client-Cert: Cert="${escaped(seven)}",Cert="${escaped(seven)}"`],
      'two certificates': [`X-Forwarded-Client-Cert: Cert="${escaped(stranger)}";Cert="${escaped(seven)}"`],
      twice: [`X-Forwarded-Client-Cert: Cert="${escaped(seven)}"`, `X-Forwarded-Client-Cert: By=x`],
      'two that differ': [`X-Forwarded-Client-Cert: Cert="${escaped(seven)}";Chain="${escaped(stranger)}"`],
      'the word of the proxy alone': [
        `X-Forwarded-Client-Cert: Hash=${'0'.repeat(64)};Subject="CN=station-7"`
      ],
      'no end of a quotation': [`X-Forwarded-Client-Cert: Cert="${escaped(seven)}`],
      'a wrong escape': ['X-Forwarded-Client-Cert: Cert="%zz"'],
      'nothing but marks': [`X-Forwarded-Client-Cert: ${';='.repeat(5_000)}`]
    })
  ],
  [
    'X-SSL-Client-Cert',
    () => [['alone', [`X-SSL-Client-Cert: ${escaped(seven)}`], seven]],
    () => ({
      twice: [`X-SSL-Client-Cert: ${escaped(seven)}`, `X-SSL-Client-Cert: ${escaped(seven)}`],
      'no certificate': ['X-SSL-Client-Cert: x'],
      'a wrong escape': ['X-SSL-Client-Cert: %'],
      'more than certificates': [`X-SSL-Client-Cert: ${escaped(seven)}x`],
      'a key': [
        `X-SSL-Client-Cert: ${encodeURIComponent('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')}`
      ],
      'BEGIN without end': [
        `X-SSL-Client-Cert: ${encodeURIComponent('-----BEGIN CERTIFICATE-----').repeat(300)}`
      ]
    })
  ]
])('%s', needs('openssl', 'curl'), (header, good, bad) => {
  let server: Server
  beforeAll(async () => {
    const proxies = createProxies({ header, networks: ['127.0.0.0/8'] })
    server = createServer((request, response) => {
      try {
        const chain = proxies.read(request)
        response.end(JSON.stringify({ isProxy: proxies.isProxy(request.socket), chain: chain?.map(toHex) }))
      } catch (error) {
        response.statusCode = 401
        response.end(JSON.stringify({ code: isMintlineError(error) ? error.code : String(error) }))
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => void server.close())

  const ask = (lines: readonly string[]) =>
    askWithCurl(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...lines.flatMap(line => ['-H', line])
    )

  it('is understood', async () => {
    for (const [what, lines, ...chain] of good()) {
      const { body } = await ask(lines)
      expect([what, JSON.parse(body)]).toEqual([what, { isProxy: true, chain: chain.map(hexOf) }])
    }
  })

  it('is nothing where there is none', async () => {
    expect(JSON.parse((await ask([])).body)).toEqual({ isProxy: true })
  })

  it('is refused where it is not of its form', async () => {
    for (const [what, lines] of Object.entries(bad())) {
      const { status, code } = await ask(lines)
      expect([what, status, code]).toEqual([what, 401, 'client_certificate_refused'])
    }
  })
})
