import { readdirSync, readFileSync } from 'node:fs'
import {
  assertSubjectReadable,
  type CertificationRequest,
  parseCertificationRequest
} from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { verifyProofOfPossession } from '../../../src/pki/csr/proof-of-possession.ts'
import { assertKeyAllowed, type KeyPolicy } from '../../../src/pki/key/public-key.ts'

const folder = new URL('../../fixtures/csr/', import.meta.url)

export const wholePolicy: KeyPolicy = {
  ec: { curves: ['P-256', 'P-384', 'P-521'] },
  rsa: { minimumBits: 2048, maximumBits: 4096 }
}

export function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)))
}

/** File names in a part of the fixture folder: '' for the accepted ones, 'refused/'. */
export function fixtureNames(part: '' | 'refused/'): readonly string[] {
  return readdirSync(new URL(part, folder), { withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'README.md')
    .map(entry => part + entry.name)
}

/** What the service does with a CSR before any profile but its key policy is asked. */
export async function takeIn(input: Uint8Array, policy = wholePolicy): Promise<CertificationRequest> {
  const request = parseCertificationRequest(decodeCertificationRequest(input))
  await verifyProofOfPossession(request)
  assertKeyAllowed(request.publicKey, policy)
  assertSubjectReadable(request)
  return request
}
