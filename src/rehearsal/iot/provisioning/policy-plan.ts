import { createHash } from 'node:crypto'
import { parsePolicyDocument } from '../policy/policy-document.ts'
import { assertName } from '../registry/names.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { evaluate, evaluateText } from './expression.ts'
import { type PlanContext, type PlannedResource, refuseValue } from './plan.ts'
import type { TemplateResource } from './template-engine.ts'

/** Characters, white space not counted. */
const maximumDocumentLength = 2048

/**
 * Judges a policy of a template: one that exists by name, or one that is made from a document and named by it, so that
 * the same text is the same policy. Throws `InvalidRequestException`, `ResourceNotFoundException`.
 */
export function planPolicy(resource: TemplateResource, context: PlanContext): PlannedResource {
  const { registry, scope, settings } = context
  const { PolicyName: name, PolicyDocument: document } = resource.properties
  if ((name === undefined) === (document === undefined))
    refuseValue('A policy has either a PolicyName or a PolicyDocument')
  const policyDocument = document === undefined ? undefined : readDocument(document, context)
  const policyName =
    policyDocument === undefined
      ? evaluateText(name, scope, 'PolicyName')
      : generatePolicyName(policyDocument, settings)
  assertName('policyName', policyName)
  if (policyDocument === undefined) registry.getPolicy(policyName)
  const isThere = registry.findPolicy(policyName) !== undefined
  return {
    logicalName: resource.logicalName,
    requiredActions: [...(isThere ? [] : ['iot:CreatePolicy']), 'iot:AttachPolicy'],
    apply(certificateArn) {
      // Two policies of one template may have the same document.
      if (policyDocument !== undefined && registry.findPolicy(policyName) === undefined)
        registry.createPolicy(policyName, policyDocument)
      registry.attachPolicy(policyName, certificateArn)
      return registry.policyArn(policyName)
    }
  }
}

function readDocument(expression: unknown, { scope }: PlanContext): string {
  assertNoFunctions(expression)
  const value = evaluate(expression, scope)
  const document = typeof value === 'string' ? value : JSON.stringify(value)
  if (document.replace(/\s/g, '').length > maximumDocumentLength)
    refuseValue(`A policy document has ${maximumDocumentLength} characters at the most, white space aside`)
  const mistake = findDocumentMistake(document)
  return mistake === undefined ? document : refuseValue(`The policy document is malformed: ${mistake}`)
}

function findDocumentMistake(document: string): string | undefined {
  try {
    const { version, statements } = parsePolicyDocument(document)
    if (version !== '2012-10-17' && version !== '2008-10-17') return `there is no Version ${version}`
    const isWhole = statements.every(({ actions, resources }) => actions.length > 0 && resources.length > 0)
    return statements.length > 0 && isWhole ? undefined : 'a statement has an Action and a Resource'
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}

/** No function but `Ref` works in a policy, even where it does elsewhere (Developer Guide, fleet provisioning). */
function assertNoFunctions(expression: unknown): void {
  if (typeof expression !== 'object' || expression === null) return
  for (const [name, value] of Object.entries(expression)) {
    if (name.startsWith('Fn::')) refuseValue(`${name} is not supported in AWS::IoT::Policy`)
    assertNoFunctions(value)
  }
}

function generatePolicyName(document: string, { generatedPolicyName }: StandInSettings): string {
  const hashed = generatedPolicyName === 'sha1-of-document' ? document : JSON.stringify(JSON.parse(document))
  return createHash('sha1').update(hashed).digest('hex').toUpperCase()
}
