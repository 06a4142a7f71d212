/** Prints what each step between the bytes of a CSR and a certificate costs, in µs on one core. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseAuthorityCertificate } from '../src/pki/certificate/authority/certificate.ts'
import { buildAuthorityTbsCertificate } from '../src/pki/certificate/authority/tbs-certificate.ts'
import {
  assembleCertificate,
  parseCertificate,
  verifyIssuedCertificate
} from '../src/pki/certificate/certificate.ts'
import { lintTbsCertificate } from '../src/pki/certificate/lint.ts'
import { buildTbsCertificate, type TbsCertificateContent } from '../src/pki/certificate/tbs-certificate.ts'
import { parseCertificationRequest } from '../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../src/pki/csr/intake.ts'
import { verifyProofOfPossession } from '../src/pki/csr/proof-of-possession.ts'
import { assertKeyAllowed } from '../src/pki/key/public-key.ts'
import { buildName, subjectOf } from '../src/pki/name/name.ts'

const rounds = 5000
const signatureAlgorithm = 'ecdsa-with-SHA256'
const authorityKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const authorityTbs = buildAuthorityTbsCertificate({
  serialNumber: new Uint8Array(16).fill(1),
  signatureAlgorithm,
  subject: { CommonName: 'Bench authority' },
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2056-01-01T00:00:00Z'),
  spkiDer: authorityKey.publicKey.export({ type: 'spki', format: 'der' })
})
const issuer = parseAuthorityCertificate(
  assembleCertificate(authorityTbs, signatureAlgorithm, sign('sha256', authorityTbs, authorityKey.privateKey))
)

const runs = 7

/** The best of several runs, so that neighbours on the machine count less. In µs. */
function measure(step: string, act: () => unknown): number {
  let best = Infinity
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    for (let i = 0; i < rounds; i++) act()
    best = Math.min(best, ((performance.now() - start) * 1000) / rounds)
  }
  return show(step, best)
}

/** One after another, so with the way to the thread pool and back. */
async function measureAsync(step: string, act: () => Promise<unknown>): Promise<number> {
  const count = rounds / 10
  const start = performance.now()
  for (let i = 0; i < count; i++) await act()
  return show(step, ((performance.now() - start) * 1000) / count)
}

function show(step: string, microseconds: number): number {
  console.log(`  ${step.padEnd(36)} ${microseconds.toFixed(1).padStart(7)} µs`)
  return microseconds
}

async function run(fixture: string): Promise<void> {
  console.log(fixture)
  const sent = readFileSync(new URL(`../test/fixtures/csr/${fixture}`, import.meta.url))
  const der = decodeCertificationRequest(sent)
  const request = parseCertificationRequest(der)
  const content: TbsCertificateContent = {
    serialNumber: new Uint8Array(16).fill(0x45),
    signatureAlgorithm,
    issuerNameDer: issuer.subjectNameDer,
    notBefore: new Date('2026-01-02T00:00:00Z'),
    notAfter: new Date('2036-01-02T00:00:00Z'),
    subjectNameDer: buildName(subjectOf({ attributes: request.subject })),
    spkiDer: request.spkiDer,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    authorityKeyIdentifier: issuer.subjectKeyIdentifier
  }
  const tbsDer = buildTbsCertificate(content)
  const expectation = { issuer, signatureAlgorithm, spkiDer: request.spkiDer } as const
  const certificateDer = assembleCertificate(
    tbsDer,
    signatureAlgorithm,
    sign('sha256', tbsDer, authorityKey.privateKey)
  )
  const policy = { ec: { curves: ['P-256'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } } as const
  const issued = {
    certificateDer,
    tbsDer,
    issuerPublicKey: authorityKey.publicKey,
    signatureAlgorithm
  } as const
  const steps = [
    measure('decode', () => decodeCertificationRequest(sent)),
    measure('parse', () => parseCertificationRequest(der)),
    measure('key policy', () => assertKeyAllowed(request.publicKey, policy)),
    measure('build name and TBSCertificate', () =>
      buildTbsCertificate({
        ...content,
        subjectNameDer: buildName(subjectOf({ attributes: request.subject }))
      })
    ),
    measure('lint', () => lintTbsCertificate(tbsDer, expectation)),
    measure('re-parse certificate', () => parseCertificate(certificateDer))
  ]
  show(
    'all of these',
    steps.reduce((sum, step) => sum + step, 0)
  )
  await measureAsync('proof of possession, with import', () => verifyProofOfPossession(request))
  await measureAsync('verify issued certificate', () => verifyIssuedCertificate(issued))
}

for (const fixture of ['openssl-p256.pem', 'openssl-rsa2048.pem', 'openssl-rsa4096-sha512.pem'])
  await run(fixture)
