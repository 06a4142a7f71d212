import { parsePolicyDocument, type PolicyCondition, type PolicyStatement } from './policy-document.ts'
import { matchesPattern, parseWildcardPattern } from './wildcard-pattern.ts'

export type IotAction = 'iot:Connect' | 'iot:Publish' | 'iot:RetainPublish' | 'iot:Subscribe' | 'iot:Receive'

export interface PolicyRequest {
  readonly action: IotAction
  /** An ARN, such as that of `client/<clientId>`. */
  readonly resource: string
  /** The policy variables that have a value on this connection, by name without `${}`. */
  readonly variables: ReadonlyMap<string, string>
}

export interface PolicyDecision {
  readonly isAllowed: boolean
  /** In words for the person who rehearses. */
  readonly reason: string
}

export interface NamedPolicy {
  readonly policyName: string
  readonly policyDocument: string
}

/** What cannot be told counts as a match in a Deny, and as none in an Allow. */
type Match = 'yes' | 'no' | 'unknown'

/**
 * Judges a request by all the policies together: one Deny that matches is the end of it, and without an Allow that
 * matches there is no permission. A condition or a variable that the stand-in does not know is never to the good of
 * the device.
 */
export function evaluatePolicies(policies: readonly NamedPolicy[], request: PolicyRequest): PolicyDecision {
  if (policies.length === 0) return { isAllowed: false, reason: 'no policy is attached to the certificate' }
  let allowedBy: string | undefined
  let doubt: string | undefined
  for (const { policyName, policyDocument } of policies) {
    for (const statement of statementsOf(policyDocument)) {
      const match = matchStatement(statement, request)
      if (match === 'no') continue
      if (statement.effect === 'Deny')
        return { isAllowed: false, reason: `${policyName} denies ${request.action} on ${request.resource}` }
      if (match === 'yes') allowedBy ??= policyName
      else doubt ??= policyName
    }
  }
  if (allowedBy !== undefined) return { isAllowed: true, reason: `${allowedBy} allows it` }
  const where =
    doubt === undefined ? '' : `; ${doubt} may, but uses a condition or variable without a value here`
  return { isAllowed: false, reason: `no policy allows ${request.action} on ${request.resource}${where}` }
}

/** A document that cannot be read denies everything. */
function statementsOf(policyDocument: string): readonly PolicyStatement[] {
  try {
    return parsePolicyDocument(policyDocument).statements
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return [{ effect: 'Deny', actions: ['*'], resources: ['*'], conditions: [], isBeyondUs: false }]
  }
}

function matchStatement(
  { actions, resources, conditions, isBeyondUs }: PolicyStatement,
  { action, resource, variables }: PolicyRequest
): Match {
  // What is written as NotAction or NotResource leaves its list empty.
  const matchList = (patterns: readonly string[], text: string) =>
    isBeyondUs && patterns.length === 0 ? 'unknown' : anyMatch(patterns, text, variables)
  return allOf([
    isBeyondUs ? 'unknown' : 'yes',
    matchList(actions, action),
    matchList(resources, resource),
    ...conditions.map(condition => matchCondition(condition, variables))
  ])
}

function anyMatch(patterns: readonly string[], text: string, variables: ReadonlyMap<string, string>): Match {
  return anyOf(
    patterns.map(pattern => {
      const parsed = parseWildcardPattern(pattern, variables)
      if (parsed === undefined) return 'unknown'
      return matchesPattern(parsed, text) ? 'yes' : 'no'
    })
  )
}

type Comparison = (expected: string, found: string, variables: ReadonlyMap<string, string>) => Match

const compareTexts =
  (wildcards: 'special' | 'literal'): Comparison =>
  (expected, found, variables) => {
    const pattern = parseWildcardPattern(expected, variables, wildcards)
    if (pattern === undefined) return 'unknown'
    return matchesPattern(pattern, found) ? 'yes' : 'no'
  }

const comparisons: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['Bool', (expected, found) => (expected.toLowerCase() === found.toLowerCase() ? 'yes' : 'no')],
  ['StringEquals', compareTexts('literal')],
  ['StringLike', compareTexts('special')]
])

function matchCondition(
  { operator, key, values }: PolicyCondition,
  variables: ReadonlyMap<string, string>
): Match {
  const compare = comparisons.get(operator)
  const found = variables.get(key)
  if (compare === undefined || found === undefined) return 'unknown'
  return anyOf(values.map(expected => compare(expected, found, variables)))
}

function allOf(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('unknown') ? 'unknown' : 'yes'
}

function anyOf(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes'
  return matches.includes('unknown') ? 'unknown' : 'no'
}
