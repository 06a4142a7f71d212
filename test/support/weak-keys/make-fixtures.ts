/**
 * Makes the CSRs of test/fixtures/weak-keys anew, with other keys:
 *
 *   npx node test/support/weak-keys/make-fixtures.ts
 */
import { writeFileSync } from 'node:fs'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { flaws, makeRsaRequest, makeSoundKey, makeWeakKey, primeOf } from './weak-key.ts'

const write = (name: string, csr: Uint8Array) =>
  writeFileSync(
    new URL(`../../fixtures/weak-keys/${name}.pem`, import.meta.url),
    encodePem('CERTIFICATE REQUEST', csr)
  )
const subjectOf = (name: string) => ({ Country: 'DE', CommonName: `weak-${name}` })

for (const flaw of flaws) write(flaw, makeRsaRequest(subjectOf(flaw), makeWeakKey(flaw)))
const sharedPrime = primeOf(1024)
for (const name of ['shared-prime-1', 'shared-prime-2'])
  write(name, makeRsaRequest(subjectOf(name), makeSoundKey(sharedPrime)))
