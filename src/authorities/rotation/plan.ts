import { isMintlineError, type Violation } from '../../errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../pki/certificate/authority/certificate.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import { daysUntil } from '../../pki/der/time.ts'
import { describeEnd, parseIssuingPath } from '../../pki/path/issuing-path.ts'
import type { ConstrainedNames } from '../../pki/path/name-constraints.ts'
import type { StoredAuthority, StoredGeneration } from '../authority-store.ts'
import { requireCertified } from '../generations/generation.ts'

/** What a profile asks of the authority line that it names. */
export interface ProfileNeed {
  readonly profile: string
  readonly line: string
  /** How long its certificates live; infinite where they do not expire. */
  readonly validityDays: number
  /** Holds its subjects against what a CA and those above it say of names. Pointers are `/subject`. */
  readonly judgeNames?: (authority: string, constrained: readonly ConstrainedNames[]) => NameJudgement
}

interface NameJudgement {
  /** Where no subject of the profile lies inside. */
  readonly violations: readonly Violation[]
  /** Where some do not. */
  readonly warnings: readonly Violation[]
}

export interface RotationPlan {
  readonly line: string
  /** Name of the generation that issues now. */
  readonly active: string | undefined
  /** Name of the generation that would issue: the newest staged one, else the newest pending one. */
  readonly successor: string | undefined
  /** Names of the generations that were declared compromised: their devices come back for a certificate of another. */
  readonly compromised: readonly string[]
  /** Whether nothing is missing. */
  readonly ready: boolean
  /** What the activation of the successor does, in order. */
  readonly steps: readonly string[]
  readonly missing: readonly Violation[]
  /** What is not as it should be, and keeps the successor from nothing. */
  readonly warnings: readonly Violation[]
}

export interface PlanInput {
  readonly line: string
  readonly generations: readonly StoredGeneration[]
  /** Of all lines. */
  readonly all: readonly StoredGeneration[]
  /** Of the profiles that name the line. */
  readonly needs: readonly ProfileNeed[]
  readonly now: Date
  /** Where devices of the active generation are taken, and those of the successor would not be. */
  readonly registrationGaps: readonly Violation[]
  /** Rejects when the key could not be used. */
  readonly tryKey: (stored: StoredAuthority) => Promise<void>
}

/** Quota of AWS IoT for CAs of one subject in an account and region; it cannot be raised. */
const maximumOfOneSubject = 10

/** Looks at all that a rotation of the line needs, and changes nothing. */
export async function planRotation(input: PlanInput): Promise<RotationPlan> {
  const { line, generations } = input
  const active = generations.find(({ state }) => state === 'active')
  const newest = (state: string) => generations.findLast(generation => generation.state === state)
  const successor = newest('staged') ?? newest('pending')
  const { missing: ownMissing, warnings } = await examine(successor, input)
  const missing = [...ownMissing, ...input.registrationGaps]
  const compromised = generations.filter(({ state }) => state === 'compromised').map(({ name }) => name)
  return {
    line,
    active: active?.name,
    successor: successor?.name,
    compromised,
    ready: missing.length === 0,
    steps: successor === undefined ? [] : describeSteps(successor, active, compromised),
    missing,
    warnings
  }
}

function describeSteps(
  { name }: StoredGeneration,
  active: StoredGeneration | undefined,
  compromised: readonly string[]
): readonly string[] {
  const steps = [
    `${name} becomes active: every intent from then on names it.`,
    ...compromised.map(
      each =>
        `Devices of ${each}, which is compromised, get a certificate of ${name} for the same CSR or one with a new key, where their profile does not leave that to an administrator (afterCompromise). GET /v1/authorities/${each}/unprovisioned lists those that are still to come.`
    )
  ]
  if (active === undefined) return steps
  return [
    ...steps,
    `${active.name} becomes retiring: intents that name it are finished, replays keep its bytes and chain.`,
    `Activating ${active.name} again takes it all back, until it is retired.`
  ]
}

async function examine(
  successor: StoredGeneration | undefined,
  input: PlanInput
): Promise<Pick<RotationPlan, 'missing' | 'warnings'>> {
  if (successor === undefined) return { missing: [noSuccessor(input.line)], warnings: [] }
  if (successor.state === 'pending') return { missing: [noCertificate(successor)], warnings: [] }
  const stored = requireCertified(successor)
  const { flaws, irregularities } = examineAuthorityCertificate(stored.certificateDer)
  const ofSuccessor = (found: Violation) => ({ ...found, pointer: `/successor${found.pointer}` })
  const names = judgeNames(stored, input)
  const missing = [
    ...flaws.map(ofSuccessor),
    ...validityViolations(stored, input),
    ...names.flatMap(({ violations }) => violations),
    ...subjectViolations(stored, input.all),
    ...(await keyViolations(stored, input))
  ]
  const warnings = [...irregularities.map(ofSuccessor), ...names.flatMap(each => each.warnings)]
  return { missing, warnings }
}

/** Of each profile, as a CSR would meet them under the successor. */
function judgeNames(
  { name, certificateDer, issuersDer }: StoredAuthority,
  { needs }: PlanInput
): readonly NameJudgement[] {
  const { constrained } = parseIssuingPath([certificateDer, ...issuersDer])
  if (constrained.length === 0) return []
  return needs.map(({ profile, judgeNames: judge }) => {
    const ofProfile = (found: Violation) => ({ ...found, pointer: `/profiles/${profile}${found.pointer}` })
    const { violations = [], warnings = [] } = judge?.(name, constrained) ?? {}
    return { violations: violations.map(ofProfile), warnings: warnings.map(ofProfile) }
  })
}

function noSuccessor(line: string): Violation {
  return {
    pointer: '/successor',
    expected: 'a staged generation',
    found: 'none',
    message: `Make one: POST /v1/authorities with the line ${line}.`
  }
}

function noCertificate({ name }: StoredGeneration): Violation {
  return {
    pointer: '/successor/certificate',
    expected: 'a certificate',
    found: 'a request for one',
    message: `Have the CA above sign GET /v1/authorities/${name}/csr, and post the chain.`
  }
}

function validityViolations(
  { name, certificateDer, issuersDer }: StoredAuthority,
  input: PlanInput
): readonly Violation[] {
  const path = parseIssuingPath([certificateDer, ...issuersDer])
  const { notAfter, endsWith } = path
  const daysLeft = daysUntil(notAfter, input.now)
  return input.needs
    .filter(({ validityDays }) => validityDays > daysLeft)
    .map(({ profile, validityDays }) => ({
      pointer: `/profiles/${profile}/validity`,
      expected: Number.isFinite(validityDays) ? `${validityDays} days left or more` : 'no expiry',
      found: `${Math.floor(daysLeft)} days left`,
      message:
        endsWith === undefined
          ? 'Certificates would be shortened or refused. Make the CA live longer or the profile shorter.'
          : `Certificates would be shortened or refused: ${describeEnd(name, path)}. Have the CA certified below one that lives longer, or make the profile shorter.`
    }))
}

function subjectViolations(
  { certificateDer }: StoredAuthority,
  all: readonly StoredGeneration[]
): readonly Violation[] {
  const subjectOf = (der: Uint8Array) =>
    Buffer.from(parseAuthorityCertificate(der).subjectNameDer).toString('hex')
  const own = subjectOf(certificateDer)
  const count = all.filter(
    each => each.certificateDer !== null && subjectOf(each.certificateDer) === own
  ).length
  if (count <= maximumOfOneSubject) return []
  return [
    {
      pointer: '/successor/subject',
      expected: `at most ${maximumOfOneSubject} CAs of one subject`,
      found: String(count),
      message: 'AWS IoT would refuse to register it. Give the successor its generation in the CommonName.'
    }
  ]
}

async function keyViolations(stored: StoredAuthority, { tryKey }: PlanInput): Promise<readonly Violation[]> {
  try {
    await tryKey(stored)
    return []
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return [
      { pointer: '/successor/key', expected: 'a key that signs', found: error.code, message: error.detail }
    ]
  }
}
