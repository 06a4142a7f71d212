import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { IssuingAuthority } from '../authorities/authority.ts'
import { chainViolations } from '../authorities/generations/certificate-chain.ts'
import { isMintlineError, MintlineError, type Violation } from '../errors/mintline-error.ts'
import { lintTbsCertificate } from '../pki/certificate/lint.ts'
import { createSerialNumber } from '../pki/certificate/serial-number.ts'
import { buildTbsCertificate } from '../pki/certificate/tbs-certificate.ts'
import { buildName } from '../pki/name/name.ts'
import { belowViolations } from '../pki/path/issuing-path.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import { fitNames, nameFitViolations } from '../profiles/subject/name-fit.ts'
import { type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'

/** What is certain of a generation and a version of a profile before anything is signed for the two. */
export interface FirstUse {
  /**
   * That a certificate of the profile could be verified below the generation: the chain whole, as it is on record, and a
   * certificate as the profile would write it, unsigned. Looked at once for the two; what failed is looked at again after
   * a pause, since a record can be repaired.
   *
   * @throws MintlineError `authority_unavailable` with the causes.
   */
  assertSound(profile: CompiledProfile, authority: IssuingAuthority): Promise<void>
}

/** Beyond these the oldest are forgotten, and looked at once more. */
const maximumKept = 1_000
const pauseAfterFailureMs = 5_000

interface Looked {
  readonly result: Promise<void>
  /** On monotonic time; undefined while it has not failed. */
  failedAtMs?: number
}

export function createFirstUse(randomBytes: RandomBytes, stopwatch: Stopwatch = systemStopwatch): FirstUse {
  const kept = new Map<string, Looked>()

  function look(key: string, profile: CompiledProfile, authority: IssuingAuthority): Looked {
    const looked: Looked = { result: assertVerifiable(profile, authority, randomBytes) }
    looked.result.catch(() => {
      looked.failedAtMs = stopwatch()
    })
    kept.delete(key)
    kept.set(key, looked)
    const [oldest] = kept.keys()
    if (kept.size > maximumKept && oldest !== undefined) kept.delete(oldest)
    return looked
  }

  return {
    assertSound(profile, authority) {
      const key = `${authority.id} ${profile.version.id}`
      const known = kept.get(key)
      const isOver = known?.failedAtMs !== undefined && stopwatch() - known.failedAtMs >= pauseAfterFailureMs
      return (known === undefined || isOver ? look(key, profile, authority) : known).result
    }
  }
}

async function assertVerifiable(
  profile: CompiledProfile,
  authority: IssuingAuthority,
  randomBytes: RandomBytes
): Promise<void> {
  const violations = [
    ...(await chainViolations(authority.path.certificates.map(({ der }) => der))),
    ...(await sampleViolations(profile, authority, randomBytes))
  ]
  if (violations.length === 0) return
  const told = violations.map(
    ({ expected, found, message }) => `expected ${expected}, found ${found}. ${message}`
  )
  throw new MintlineError(
    'authority_unavailable',
    `No certificate of the profile ${profile.version.name} could be verified below ${authority.name}, so none is signed: ${told[0]} Tell the administrator.`,
    { violations }
  )
}

/** Of a certificate that the profile would write. It is not judged by `judge`, so that no key could sign it. */
async function sampleViolations(
  profile: CompiledProfile,
  authority: IssuingAuthority,
  randomBytes: RandomBytes
): Promise<readonly Violation[]> {
  const { document } = profile.version
  const fit = fitNames({ ...profile, document }, authority.path.constrained)
  if (fit.inside === undefined) return nameFitViolations(fit, authority.name).violations
  const { signatureAlgorithm } = authority.signer
  const spkiDer = await makeSampleKey(document.keys.ec !== undefined)
  const tbsDer = buildTbsCertificate({
    serialNumber: createSerialNumber(randomBytes(16)),
    signatureAlgorithm,
    issuerNameDer: authority.certificate.subjectNameDer,
    notBefore: authority.certificate.notBefore,
    notAfter: authority.path.notAfter,
    subjectNameDer: buildName(fit.inside),
    spkiDer,
    keyUsage: document.keyUsage,
    extendedKeyUsage: document.extendedKeyUsage,
    authorityKeyIdentifier: authority.certificate.subjectKeyIdentifier
  })
  try {
    const issuer = authority.certificate
    const tbs = lintTbsCertificate(tbsDer, { issuer, signatureAlgorithm, spkiDer })
    return belowViolations(tbs, authority.path)
  } catch (error) {
    if (!isMintlineError(error, 'lint_failed')) throw error
    return error.violations
  }
}

const generate = promisify(generateKeyPair)

async function makeSampleKey(isElliptic: boolean): Promise<Uint8Array> {
  const { publicKey } = isElliptic
    ? await generate('ec', { namedCurve: 'P-256' })
    : await generate('rsa', { modulusLength: 2048 })
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
}
