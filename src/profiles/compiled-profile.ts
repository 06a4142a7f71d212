import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import type { CompiledTemplate } from '../jitp/evaluation/compile.ts'
import type { KeyPolicy } from '../pki/key/public-key.ts'
import { attributeOid } from '../pki/name/attribute-type.ts'
import type { ProfileDocument } from './document.ts'
import {
  compileRules,
  dropViolations,
  emptySubjectWarnings,
  identityViolations,
  lookalikeViolations,
  lookalikeWarnings,
  templateRuleViolations
} from './subject/checks.ts'
import type { SubjectPolicy } from './subject/selection.ts'
import { stationFieldViolations } from './subject/station-subject.ts'
import { compileProfileTemplate } from './template.ts'
import type { ProfileVersion } from './version.ts'

/** A profile document made ready for the issuance path, once. */
export interface CompiledDocument extends SubjectPolicy {
  readonly template: CompiledTemplate
  /** Lower-case hex SHA-256 of the template body as AWS would store it. */
  readonly templateSha256: string
  /** The AWS account of the provisioning role; empty where the profile names none. */
  readonly accountId: string
  readonly keyPolicy: KeyPolicy
  /** What is legal but may not be meant. */
  readonly warnings: readonly Violation[]
}

export interface CompiledProfile extends CompiledDocument {
  readonly version: ProfileVersion
}

/**
 * Checks what the document's schema cannot say, and compiles it. Pure: whether the authority exists is not its
 * question.
 *
 * @throws MintlineError `profile_invalid` with every mistake at once; pointers go into the document.
 */
export function compileProfile(document: ProfileDocument): CompiledDocument {
  const violations: Violation[] = []
  const rules = compileRules(document, violations)
  const compiled = compileProfileTemplate(document, violations)
  violations.push(
    ...templateRuleViolations(document, compiled.templateFields),
    ...dropViolations(document, compiled.templateFields),
    ...stationFieldViolations(document, compiled.templateFields),
    ...lookalikeViolations(document),
    ...identityViolations(document, compiled.templateFields),
    ...keyViolations(document),
    ...validityViolations(document)
  )
  if (violations.length > 0 || compiled.template === undefined) {
    throw new MintlineError('profile_invalid', `The profile has ${violations.length} mistake(s).`, {
      violations
    })
  }
  const { template, templateFields, templateSha256, accountId, warnings } = compiled
  return {
    rules,
    template,
    templateFields,
    droppedOids: new Set(document.dropAttributes?.map(name => attributeOid(name) ?? name)),
    stationFields: new Set(document.subjectFromStation),
    lookalikes: document.lookalikes ?? 'warn',
    templateSha256,
    accountId,
    keyPolicy: document.keys,
    warnings: [
      ...warnings,
      ...clockWarnings(document),
      ...emptySubjectWarnings(document, templateFields),
      ...lookalikeWarnings(document)
    ]
  }
}

function keyViolations({ keys, keyUsage }: ProfileDocument): readonly Violation[] {
  const violations: Violation[] = []
  if (keys.rsa !== undefined && keys.rsa.minimumBits > keys.rsa.maximumBits) {
    violations.push({
      pointer: '/keys/rsa/maximumBits',
      expected: `at least ${keys.rsa.minimumBits}`,
      found: String(keys.rsa.maximumBits),
      message: 'No RSA key could fit.'
    })
  }
  // RFC 5480 §3 and RFC 3279 §2.3.1: what the other kind of key cannot do must not be asserted.
  const unfit = { keyEncipherment: keys.ec && 'EC', keyAgreement: keys.rsa && 'RSA' }
  for (const [usage, kind] of Object.entries(unfit)) {
    const index = keyUsage.findIndex(candidate => candidate === usage)
    if (kind === undefined || index < 0) continue
    violations.push({
      pointer: `/keyUsage/${index}`,
      expected: `no ${usage} while ${kind} keys are accepted`,
      found: usage,
      message: `${kind} keys cannot be used for ${usage}. Make a profile for each kind of key.`
    })
  }
  return violations
}

function validityViolations({ validity }: ProfileDocument): readonly Violation[] {
  const { minimumDays, whenIssuerExpiresFirst } = validity
  if (minimumDays === undefined) return []
  const pointer = '/validity/minimumDays'
  const found = String(minimumDays)
  if (whenIssuerExpiresFirst === 'refuse') {
    const message = 'A certificate that cannot have all its days is refused anyway.'
    return [{ pointer, expected: 'nothing, unless whenIssuerExpiresFirst is shorten', found, message }]
  }
  if (!('days' in validity) || minimumDays <= validity.days) return []
  return [
    {
      pointer,
      expected: `at most ${validity.days}`,
      found,
      message: 'No certificate could have as many days.'
    }
  ]
}

/** The certificate must be valid by the clock of AWS, and by that of a device which looks at its own. */
function clockWarnings({ backdateMinutes }: ProfileDocument): readonly Violation[] {
  if (backdateMinutes > 0) return []
  const message = 'A clock that is behind takes the certificate for one of the future.'
  return [{ pointer: '/backdateMinutes', expected: 'some minutes, e.g. 60', found: '0', message }]
}
