import { X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { type ClientTrust, judgeClientTrust } from '../../../src/tls/client-trust/client-trust.ts'
import {
  assertStanding,
  findTrustFaults,
  type PresentedChain,
  verifyClientCertificate
} from '../../../src/tls/client-trust/verification.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'
import { makePair, openssl } from '../pairs.ts'
import {
  type ClientAuthority,
  type ClientPair,
  makeClientAuthority,
  ofAuthority
} from './client-authority.ts'

const settings = { authorities: 'CA', revocationLists: 'CRL' }

let directory: TemporaryDirectory
let root: ClientAuthority
let other: ClientAuthority
let good: ClientPair
let bad: ClientPair

const derOf = ({ certificatePem }: { readonly certificatePem: string }) =>
  new Uint8Array(new X509Certificate(certificatePem).raw)

const judge = (authoritiesPem: string, revocationListsPem?: string) =>
  judgeClientTrust({ authoritiesPem, revocationListsPem }, settings)

async function trusting(authoritiesPem: string, revocationListsPem?: string): Promise<ClientTrust> {
  const { trust, violations } = await judge(authoritiesPem, revocationListsPem)
  expect(violations).toEqual([])
  return trust!
}

/** `taken`, or the pointer of the refusal. */
async function told(
  trust: ClientTrust,
  chain: readonly { readonly certificatePem: string }[],
  at = new Date()
) {
  try {
    const path = await verifyClientCertificate(trust, chain.map(derOf) as unknown as PresentedChain)
    assertStanding(path, at)
    return 'taken'
  } catch (error) {
    if (!isMintlineError(error, 'client_certificate_refused')) throw error
    return error.violations?.[0]?.pointer
  }
}

describe('a client certificate', needs('openssl'), () => {
  beforeAll(async () => {
    directory = await createTemporaryDirectory()
    root = makeClientAuthority(directory.path, 'root')
    other = makeClientAuthority(directory.path, 'other')
    good = root.issue('station-7')
    bad = root.issue('station-8')
    root.revoke(bad)
  })
  afterAll(() => directory.remove())

  it('of a CA of the file is taken', async () => {
    expect(await told(await trusting(root.certificatePem), [good])).toBe('taken')
  })

  it('is taken with an RSA key, and as version 1', async () => {
    const trust = await trusting(root.certificatePem)
    const rsa = root.issue('rsa', { key: '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' })
    expect(await told(trust, [rsa])).toBe('taken')
    expect(await told(trust, [root.issue('bare', { extensions: [] })])).toBe('taken')
  })

  it.each<[string, () => { readonly certificatePem: string }, string]>([
    ['of another CA', () => other.issue('station-7'), 'issuer'],
    ['signed by itself', () => makePair(directory.path, 'own'), 'extensions'],
    ['of another CA of the same name', () => makeTwin().issue('station-7'), 'issuer'],
    ['that ended', () => root.issue('old', { notAfter: '20240101000000Z' }), 'notAfter'],
    ['that has not begun', () => root.issue('new', { notBefore: '20980101000000Z' }), 'notBefore'],
    [
      'for servers',
      () => root.issue('server', { extensions: ['extendedKeyUsage=serverAuth'] }),
      'extensions'
    ],
    [
      'for any purpose',
      () => root.issue('any', { extensions: ['extendedKeyUsage=2.5.29.37.0'] }),
      'extensions'
    ],
    [
      'whose key may not sign',
      () => root.issue('usage', { extensions: ['keyUsage=critical,keyEncipherment'] }),
      'extensions'
    ],
    ['of a CA', () => root.issueAuthority('below-1'), 'extensions'],
    [
      'with a critical extension that nobody knows',
      () => root.issue('critical', { extensions: ['1.2.3.4=critical,ASN1:UTF8String:x'] }),
      'extensions'
    ]
  ])('%s is refused', async (_flaw, make, where) => {
    expect(await told(await trusting(root.certificatePem), [make()])).toBe(`/clientCertificate/${where}`)
  })

  it('that was changed is refused', async () => {
    const der = derOf(good)
    const at = Buffer.from(der).indexOf('station-7')
    der[at] = 'S'.charCodeAt(0)
    await expect(verifyClientCertificate(await trusting(root.certificatePem), [der])).rejects.toMatchObject({
      code: 'client_certificate_refused'
    })
  })

  it('of a CA below is taken where the client shows that CA, and refused where not', async () => {
    const trust = await trusting(root.certificatePem)
    const below = root.issueAuthority('below-2')
    const client = below.issue('station-9')
    expect(await told(trust, [client, below])).toBe('taken')
    expect(await told(trust, [client, other, below, good])).toBe('taken')
    expect(await told(trust, [client])).toBe('/clientCertificate/issuer')
  })

  it('of a CA that is named itself is taken without the one above', async () => {
    const below = root.issueAuthority('below-3')
    expect(await told(await trusting(below.certificatePem), [below.issue('x')])).toBe('taken')
    expect(await told(await trusting(below.certificatePem), [good])).toBe('/clientCertificate/issuer')
  })

  it.each([
    ['is none', ['keyUsage=critical,digitalSignature']],
    ['may not sign', ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign']],
    ['is for servers', [...ofAuthority, 'extendedKeyUsage=serverAuth']],
    ['has name constraints', [...ofAuthority, 'nameConstraints=critical,permitted;DNS:acme.example']]
  ])('of a CA between that %s is refused', async (_flaw, extensions) => {
    const below = root.issueAuthority(`flawed-${performance.now()}`, { extensions })
    expect(await told(await trusting(root.certificatePem), [below.issue('x'), below])).toBe(
      '/clientCertificate/issuer'
    )
  })

  it('of a CA deeper than the one above allows is refused', async () => {
    const trust = await trusting(root.certificatePem)
    const extensions = ['basicConstraints=critical,CA:TRUE,pathlen:0', ofAuthority[1]!]
    const flat = root.issueAuthority('flat', { extensions })
    const deep = flat.issueAuthority('deep')
    expect(await told(trust, [flat.issue('x'), flat])).toBe('taken')
    expect(await told(trust, [deep.issue('x'), deep, flat])).toBe('/clientCertificate/issuer')
  })

  it('with more CAs than any path has, or octets than any certificate, is refused', async () => {
    const trust = await trusting(root.certificatePem)
    expect(await told(trust, [good, other, other, other, other, other])).toBe('/clientCertificate')
    const huge = Buffer.concat([derOf(good), Buffer.alloc(20_000)])
    await expect(verifyClientCertificate(trust, [huge])).rejects.toMatchObject({
      code: 'client_certificate_refused'
    })
  })

  it.each(['', '00', '30', '3080', '308201', 'ff'.repeat(64)])(
    'that is none (%s) is refused as such',
    async hex => {
      const trust = await trusting(root.certificatePem)
      await expect(verifyClientCertificate(trust, [Buffer.from(hex, 'hex')])).rejects.toMatchObject({
        code: 'client_certificate_refused'
      })
    }
  )

  it('among CAs that all bear one name costs little', async () => {
    const trust = await trusting(root.certificatePem)
    const twin = makeTwin()
    const chain = [twin.issue('x'), ...Array.from({ length: 4 }, () => twin)] as const
    const cpu = await measureCpu(async () => {
      for (let round = 0; round < 20; round++) await told(trust, chain)
    })
    expectWithin(cpu / 20, 50)
  })

  describe('under CRLs', () => {
    it('is refused once it is revoked, and taken before', async () => {
      const trust = await trusting(root.certificatePem, root.revocationList())
      expect(await told(trust, [good])).toBe('taken')
      expect(await told(trust, [bad])).toBe('/clientCertificate/serialNumber')
      expect(await told(await trusting(root.certificatePem), [bad])).toBe('taken')
    })

    it('is refused by a CRL of version 1 as well', async () => {
      const trust = await trusting(root.certificatePem, root.revocationList({ isFirstVersion: true }))
      expect(await told(trust, [good])).toBe('taken')
      expect(await told(trust, [bad])).toBe('/clientCertificate/serialNumber')
    })

    it('is refused when the CRL has ended', async () => {
      const trust = await trusting(
        root.certificatePem,
        root.revocationList({ nextUpdate: '20300101000000Z' })
      )
      const [before, after] = [new Date('2029-12-31T23:59:59Z'), new Date('2030-01-01T00:00:01Z')]
      expect(await told(trust, [good], before)).toBe('taken')
      expect(await told(trust, [good], after)).toBe('/clientCertificate/issuer')
      expect(findTrustFaults(trust, before)).toEqual([])
      expect(findTrustFaults(trust, after)).toHaveLength(1)
    })

    it('is refused where its CA has none in the file', async () => {
      const trust = await trusting(root.certificatePem + other.certificatePem, root.revocationList())
      expect(await told(trust, [other.issue('x')])).toBe('/clientCertificate/issuer')
      expect(findTrustFaults(trust, new Date())).toHaveLength(1)
      const below = root.issueAuthority('below-4')
      expect(await told(trust, [below.issue('x'), below])).toBe('/clientCertificate/issuer')
    })

    it('is refused where the CA that is named itself is revoked by the one above', async () => {
      const below = root.issueAuthority('below-5')
      const both = root.certificatePem + below.certificatePem
      const client = below.issue('x')
      const before = root.revocationList() + below.revocationList()
      expect(await told(await trusting(both, before), [client, below])).toBe('taken')
      root.revoke(below)
      const after = root.revocationList() + below.revocationList()
      const trust = await trusting(both, after)
      expect(await told(trust, [client])).toBe('/clientCertificate/issuer')
      expect(await told(trust, [client, below])).toBe('/clientCertificate/serialNumber')
    })

    it('counts the newest of two lists, whatever their order', async () => {
      const old = root.revocationList({ thisUpdate: '20240101000000Z', nextUpdate: '20240201000000Z' })
      const fresh = root.revocationList()
      for (const lists of [old + fresh, fresh + old])
        expect(await told(await trusting(root.certificatePem, lists), [good])).toBe('taken')
    })

    it.each<[string, () => string]>([
      ['nothing', () => ''],
      ['a CRL of a CA that is not in the other file', () => other.revocationList()],
      ['a CRL of a CA of the same name', () => makeTwin().revocationList()],
      [
        'one of a part of the certificates',
        () =>
          root.revocationList({
            extensions: ['issuingDistributionPoint=critical,@idp', '[idp]', 'onlyuser=TRUE']
          })
      ],
      ['a delta', () => root.revocationList({ extensions: ['2.5.29.27=critical,ASN1:INTEGER:1'] })],
      [
        'one with a critical extension',
        () => root.revocationList({ extensions: ['1.2.3.4=critical,ASN1:NULL'] })
      ],
      ['one that was changed', () => spoil(root.revocationList())],
      ['no base64', () => '-----BEGIN X509 CRL-----\n§§\n-----END X509 CRL-----\n'],
      ['half of one', () => root.revocationList().replace(/\n.{64}\n/, '\n')]
    ])('a file with %s is refused', async (_what, make) => {
      const { trust, violations } = await judge(root.certificatePem, make())
      expect(trust).toBeUndefined()
      expect(violations.map(({ pointer }) => pointer)).toEqual(['CRL'])
    })

    it('reads a list of ten thousand in a moment', async () => {
      const large = root.issueAuthority('large')
      const lines = Array.from(
        { length: 10_000 },
        (_, index) => `R\t20991231000000Z\t240101000000Z\t${(0x100000 + index).toString(16)}\tunknown\t/CN=x`
      )
      writeFileSync(large.certificateFile.replace('ca.pem', 'index.txt'), lines.join('\n') + '\n')
      const list = large.revocationList()
      const cpu = await measureCpu(async () => {
        const trust = await trusting(large.certificatePem, list)
        expect(trust.anchors[0]!.revocationList!.revoked.size).toBe(10_000)
      })
      expectWithin(cpu, 500)
    })
  })

  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['a certificate of no CA', () => good.certificatePem],
    ['a key', () => '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'],
    ['half of one', () => root.certificatePem.replace(/\n.{64}\n/, '\n')],
    [
      'one with an Ed25519 key',
      () => {
        openssl(`genpkey -algorithm ED25519 -out ${directory.path}/ed.key`)
        openssl(
          `req -x509 -new -key ${directory.path}/ed.key -out ${directory.path}/ed.pem -subj /CN=ed -days 9`
        )
        return openssl(`x509 -in ${directory.path}/ed.pem`).toString()
      }
    ],
    ['too many', () => root.certificatePem.repeat(101)]
  ])('a file of CAs with %s is refused', async (_what, make) => {
    const { trust, violations } = await judge(make())
    expect(trust).toBeUndefined()
    expect(violations.map(({ pointer }) => pointer)).toEqual(['CA'])
  })
})

let twins = 0
/** Another CA with the name of the first. */
function makeTwin(): ClientAuthority {
  const folder = `${directory.path}/twin-${++twins}`
  mkdirSync(folder)
  return makeClientAuthority(folder, 'root')
}

/** Another last octet of the signature. */
function spoil(pem: string): string {
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
  der[der.length - 1]! ^= 1
  return `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`
}
