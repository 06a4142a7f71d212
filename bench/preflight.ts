import { predict } from '../src/issuance/prediction.ts'
import { parseTbsCertificate } from '../src/pki/certificate/certificate.ts'
import { compileProfile } from '../src/profiles/compiled-profile.ts'
import { starterProfile } from '../src/starter/starter-profile.ts'

const rounds = 200_000

/**
 * Microseconds that pre-flight adds to an issuance: both evaluations of the starter's template, before the signature
 * and after it.
 */
export function measurePreflight(certificateDer: Uint8Array, tbsDer: Uint8Array): number {
  const profile = compileProfile(starterProfile)
  const tbs = parseTbsCertificate(tbsDer)
  const evaluate = () => [predict(profile, tbs), predict(profile, tbs, certificateDer)]
  for (let round = 0; round < rounds / 10; round++) evaluate()
  const start = performance.now()
  for (let round = 0; round < rounds; round++) evaluate()
  return ((performance.now() - start) * 1000) / rounds
}
