import { type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { verifyAuthorityChain } from '../../src/authorities/generations/certificate-chain.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { buildAuthorityTbsCertificate } from '../../src/pki/certificate/authority/tbs-certificate.ts'
import { parseCertificationRequest } from '../../src/pki/csr/certification-request.ts'
import { encodeBitString, encodeSequence } from '../../src/pki/der/writer.ts'
import { signatureAlgorithmDer } from '../../src/pki/key/signature-algorithm.ts'
import { buildName } from '../../src/pki/name/name.ts'
import { encodeChainPem } from '../../src/pki/pem/pem.ts'
import { type DerNode, editDer, nodeAt, pathsOf, readNode, writeNode } from '../pki/der/der-edit.ts'
import { pointersOf, refusalOf } from '../pki/refusal.ts'
import { act, selfSigned } from '../support/authority-administration.ts'
import { makeDeviceKey } from '../support/certification-request.ts'
import { startTestAdministration, type TestAdministration } from '../support/test-administration.ts'

vi.setConfig({ testTimeout: 60_000 })

const algorithm = 'ecdsa-with-SHA256'
const day = 86_400_000
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 3650 * day) }
const root = makeDeviceKey()
const rootName = { Organization: 'Acme', CommonName: 'Acme Root' }
const rootTbs = buildAuthorityTbsCertificate({
  serialNumber: Uint8Array.of(0x51, 1, 2, 3, 4, 5, 6, 7),
  signatureAlgorithm: algorithm,
  subject: rootName,
  spkiDer: root.spkiDer,
  ...validity
})

function ownTbs(spkiDer: Uint8Array): Uint8Array {
  const identifier = nodeAt(readNode(rootTbs), [7, 0, 2, 1]).content!.subarray(2)
  return buildAuthorityTbsCertificate({
    serialNumber: Uint8Array.of(0x52, 1, 2, 3, 4, 5, 6, 7),
    signatureAlgorithm: algorithm,
    subject: { CommonName: 'Acme Devices' },
    issuer: { subjectNameDer: buildName(rootName), subjectKeyIdentifier: identifier },
    spkiDer,
    pathLength: 0,
    ...validity
  })
}

/** Signed properly by the key, whatever it says. */
function certify(
  tbsDer: Uint8Array,
  key: KeyObject = root.privateKey,
  outerAlgorithm = signatureAlgorithmDer(algorithm)
): Uint8Array {
  return encodeSequence(tbsDer, outerAlgorithm, encodeBitString(sign('sha256', tbsDer, key)))
}

const own = makeDeviceKey()
const goodOwn = certify(ownTbs(own.spkiDer))
const goodRoot = certify(rootTbs)
const now = new Date()
const verify = (chain: readonly Uint8Array[], origin: 'request' | 'import' = 'request') =>
  verifyAuthorityChain(encodeChainPem(chain), { spkiDer: own.spkiDer, now, origin })

const spki = [6]
/** One bit of the point flipped. */
const offCurve = ({ tag, content = new Uint8Array() }: DerNode): DerNode => ({
  tag,
  content: content.with(-1, content.at(-1)! ^ 1)
})
const raw = (hex: string): DerNode => ({ tag: 0, raw: Buffer.from(hex.replaceAll(' ', ''), 'hex') })
const sha384 = signatureAlgorithmDer('ecdsa-with-SHA384')
const withNull = Buffer.from('300c06082a8648ce3d0403020500', 'hex')

const broken: Readonly<Record<string, readonly [readonly string[], readonly Uint8Array[]]>> = {
  'a root whose point is off its curve': [
    ['/chain/1/publicKey'],
    [goodOwn, certify(editDer(rootTbs, [...spki, 1], offCurve))]
  ],
  'its own point off the curve': [
    ['/chain/0', '/chain/0/publicKey'],
    [certify(editDer(ownTbs(own.spkiDer), [...spki, 1], offCurve)), goodRoot]
  ],
  'a root whose outer algorithm is another': [
    ['/chain/1/signatureAlgorithm'],
    [goodOwn, certify(rootTbs, root.privateKey, sha384)]
  ],
  'a root whose outer algorithm has parameters': [
    ['/chain/1/signatureAlgorithm'],
    [goodOwn, certify(rootTbs, root.privateKey, withNull)]
  ],
  'its own outer algorithm another': [
    ['/chain/0/lint/signatureAlgorithm', '/chain/0/signatureAlgorithm'],
    [certify(ownTbs(own.spkiDer), root.privateKey, sha384), goodRoot]
  ],
  'a root with SHA-1 inside and outside': [
    ['/chain/1/signatureAlgorithm'],
    [
      goodOwn,
      certify(
        editDer(rootTbs, [2], () => raw('30 09 06 07 2a 86 48 ce 3d 04 01')),
        root.privateKey,
        Buffer.from('300906072a8648ce3d0401', 'hex')
      )
    ]
  ],
  'a root with a key of no known kind': [
    ['/chain/1/publicKey'],
    [
      goodOwn,
      certify(editDer(rootTbs, [...spki, 0, 0], ({ tag }) => ({ tag, content: Uint8Array.of(0x2a, 3) })))
    ]
  ],
  'a root with an RSA key of one octet': [
    ['/chain/0', '/chain/1'],
    [
      goodOwn,
      certify(
        editDer(rootTbs, spki, () =>
          raw('30 1a 30 0d 06 09 2a 86 48 86 f7 0d 01 01 01 05 00 03 09 00 30 06 02 01 05 02 01 03')
        )
      )
    ]
  ],
  'a root that is no CA': [
    ['/chain/1'],
    [
      goodOwn,
      certify(editDer(rootTbs, [7, 0, 0, 2], ({ tag }) => ({ tag, content: Uint8Array.of(0x30, 0) })))
    ]
  ],
  'a root with a serial number in two forms': [
    ['/chain/1'],
    [goodOwn, certify(editDer(rootTbs, [1], ({ tag }) => ({ tag, content: Uint8Array.of(0, 1) })))]
  ],
  'a certificate that belongs to no key here, and the right one behind it': [
    ['/chain/0', '/chain/0', '/chain/1'],
    [certify(ownTbs(makeDeviceKey().spkiDer)), goodOwn, goodRoot]
  ]
}

describe('a chain', () => {
  it('is taken when it is sound', async () => {
    await verify([goodOwn, goodRoot])
    await verify([goodOwn, goodRoot], 'import')
  })

  it.each(Object.entries(broken))('is refused with %s', async (_, [pointers, chain]) => {
    for (const origin of ['request', 'import'] as const) {
      const error = await refusalOf(() => verify(chain, origin))
      expect(error?.code).toBe('authority_invalid')
      expect(pointersOf(error).toSorted()).toEqual(pointers.toSorted())
    }
  })
})

describe('an imported key that is not of the first certificate', () => {
  const messageOf = async (chain: readonly Uint8Array[], origin: 'request' | 'import') =>
    (await refusalOf(() => verify(chain, origin)))?.violations[0]?.message

  it('is told as such, not as a CSR that nobody made', async () => {
    const stranger = certify(ownTbs(makeDeviceKey().spkiDer))
    expect(await messageOf([stranger, goodRoot], 'import')).toMatch(/private key is not the one/)
    expect(await messageOf([stranger, goodRoot], 'request')).toMatch(/Sign the CSR/)
  })

  it('is told where in the chain its certificate stands', async () => {
    const below = certify(ownTbs(makeDeviceKey().spkiDer))
    expect(await messageOf([below, goodOwn, goodRoot], 'import')).toMatch(/certificate 2 of the chain/)
  })
})

describe('no chain makes the service fail in another way than by refusing it', () => {
  let parts: TestAdministration

  beforeAll(async () => {
    parts = await startTestAdministration()
  })

  afterAll(() => parts.stop())

  let lines = 0

  async function makePending(): Promise<{ readonly name: string; readonly spkiDer: Uint8Array }> {
    const external = { certificate: { kind: 'external' } } as const
    const name = await parts.administration.create(selfSigned(`fuzz-${++lines}`, external), act)
    const { spkiDer } = parseCertificationRequest(await parts.administration.findRequest(name))
    return { name, spkiDer }
  }

  /** What is taken must be usable: it is listed, loaded and activated. */
  async function outcomeOf(
    pending: { readonly name: string },
    chainPem: string
  ): Promise<'refused' | 'taken'> {
    try {
      await parts.administration.certify(pending.name, chainPem, act)
    } catch (error) {
      if (isMintlineError(error, 'authority_invalid')) return 'refused'
      throw error
    }
    await parts.administration.find(pending.name)
    await parts.administration.trustBundle()
    await parts.administration.activate(pending.name, act)
    return 'taken'
  }

  interface Mutation {
    readonly at: number
    readonly kind: string
    readonly octet: number
    readonly bytes: Uint8Array
  }

  const mutation: fc.Arbitrary<Mutation> = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('remove', 'duplicate', 'tag', 'content', 'flip', 'empty', 'swap'),
    octet: fc.integer({ min: 0, max: 255 }),
    bytes: fc.uint8Array({ maxLength: 12 })
  })

  function mutate(der: Uint8Array, { at, kind, octet, bytes }: Mutation) {
    const paths = pathsOf(readNode(der))
    return editDer(der, paths[at % paths.length]!, node => {
      const encoding = writeNode(node)
      if (kind === 'remove') return []
      if (kind === 'duplicate') return [node, node]
      if (kind === 'tag') return { tag: 0, raw: encoding.with(0, octet) }
      if (kind === 'content') return { tag: node.tag, content: bytes }
      if (kind === 'flip') return { tag: 0, raw: encoding.with(-1, encoding.at(-1)! ^ (octet | 1)) }
      if (kind === 'empty') return { tag: node.tag, content: new Uint8Array() }
      return { ...node, ...(node.children && { children: node.children.toReversed() }) }
    })
  }

  const changed = (der: Uint8Array, mutations: readonly Mutation[]) =>
    mutations.reduce((result, each) => (isReadable(result) ? mutate(result, each) : result), der)

  /** One part of a sound chain over the key is changed, and what lies inside a signature is signed again. */
  function changedChain(spkiDer: Uint8Array, part: number, mutations: readonly Mutation[]): string {
    const change = (index: number, der: Uint8Array) => (index === part ? changed(der, mutations) : der)
    const ownDer = change(0, certify(change(1, ownTbs(spkiDer))))
    const rootDer = change(2, certify(change(3, rootTbs)))
    return encodeChainPem([ownDer, rootDer])
  }

  it('with any part of it changed', async () => {
    const taken: (readonly [number, readonly Mutation[]])[] = []
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.array(mutation, { minLength: 1, maxLength: 2 }),
      async (part, mutations) => {
        const chainPem = changedChain(own.spkiDer, part, mutations)
        const error = await refusalOf(() =>
          verifyAuthorityChain(chainPem, { spkiDer: own.spkiDer, now, origin: 'import' })
        )
        if (error === undefined) taken.push([part, mutations])
        else expect(error.code).toBe('authority_invalid')
      }
    )
    await fc.assert(property, { numRuns: 500 })
    // Texts of a name may change, and much of a certificate whose signature is made anew.
    for (const [part, mutations] of taken.slice(0, 6)) {
      const pending = await makePending()
      await outcomeOf(pending, changedChain(pending.spkiDer, part, mutations))
    }
  })

  it('with its text changed', async () => {
    const good = encodeChainPem([goodOwn, goodRoot])
    const piece = fc.constantFrom(
      '-',
      '\n',
      '\0',
      '=',
      'A',
      '-----END CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----\n',
      '\u2014'
    )
    const property = fc.asyncProperty(
      fc.nat(),
      piece,
      fc.integer({ min: 1, max: 70 }),
      async (at, insert, drop) => {
        const offset = at % good.length
        const chainPem = good.slice(0, offset) + insert + good.slice(offset + drop)
        const error = await refusalOf(() =>
          verifyAuthorityChain(chainPem, { spkiDer: own.spkiDer, now, origin: 'import' })
        )
        if (error !== undefined) expect(error.code).toBe('authority_invalid')
      }
    )
    await fc.assert(property, { numRuns: 400 })
  })
})

function isReadable(der: Uint8Array): boolean {
  try {
    return der.length > 0 && writeNode(readNode(der)).length === der.length
  } catch {
    return false
  }
}
