import { isMintlineError, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { parseTbsCertificate, type TbsCertificate } from './certificate.ts'
import { type LintCheck, lintChecks, type LintExpectation } from './lint-checks.ts'

export type { LintExpectation } from './lint-checks.ts'

/**
 * Reads the bytes that are about to be signed, holds them against every check of `lintChecks`, and gives back what
 * was read.
 *
 * Throws `lint_failed` with one violation for each failed check, its pointer `/lint/<check>`; bytes that cannot be
 * read fail as `/lint/der`.
 */
export function lintTbsCertificate(tbsDer: Uint8Array, expectation: LintExpectation): TbsCertificate {
  return holdAgainst(tbsDer, expectation, lintChecks)
}

/** As `lintTbsCertificate`, for certificates of another kind, which has checks of its own. */
export function holdAgainst<Expectation extends LintExpectation>(
  tbsDer: Uint8Array,
  expectation: Expectation,
  checks: readonly LintCheck<Expectation>[]
): TbsCertificate {
  const tbs = parse(tbsDer)
  const context = { tbs, expectation }
  const violations: Violation[] = []
  for (const { name, source, expected, check } of checks) {
    const found = check(context)
    if (found === undefined) continue
    violations.push({
      pointer: `/lint/${name}`,
      expected,
      found,
      message: `${source}: expected ${expected}; found ${found}.`
    })
  }
  if (violations.length > 0) throw lintFailed(violations)
  return tbs
}

function parse(tbsDer: Uint8Array): TbsCertificate {
  try {
    return parseTbsCertificate(tbsDer, 'lint_failed')
  } catch (cause) {
    if (!isMintlineError(cause)) throw cause
    const found = cause.detail
    throw lintFailed([{ pointer: '/lint/der', expected: 'strict DER', found, message: found }], cause)
  }
}

/** The error of any lint: the names of the failed checks are in the pointers of the violations. */
export function lintFailed(violations: readonly Violation[], cause?: unknown): MintlineError {
  const names = violations.map(({ pointer }) => pointer.slice('/lint/'.length)).join(', ')
  return new MintlineError(
    'lint_failed',
    `The certificate would break these rules and was not signed: ${names}.`,
    {
      violations,
      cause
    }
  )
}
