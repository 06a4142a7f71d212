import { createHash } from 'node:crypto'
import { findDocumentMistake, parsePolicyDocument } from '../policy/policy-document.ts'
import { assertName } from '../registry/names.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { evaluateText, isCall, isObject, type JsonObject } from './expression.ts'
import { type PlanContext, type PlannedResource, refuseValue } from './plan.ts'
import type { TemplateResource } from './template-engine.ts'

/**
 * Judges a policy of a template: one that exists by name, or one that is made from a document and named by it, so that
 * the same text is the same policy. Throws `InvalidRequestException`, `ResourceNotFoundException`.
 */
export function planPolicy(resource: TemplateResource, context: PlanContext): PlannedResource {
  const { registry, scope, settings } = context
  const { PolicyName: name, PolicyDocument: document } = resource.properties
  if ((name === undefined) === (document === undefined))
    refuseValue('A policy has either a PolicyName or a PolicyDocument')
  assertNoJoin(name)
  assertNoJoin(document)
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
    policyName,
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

function readDocument(expression: unknown, { scope, connectingCertificateId }: PlanContext): string {
  const document = isObject(expression) && !isCall(expression) ? written(expression) : undefined
  if (isObject(expression) && 'Ref' in expression && connectingCertificateId !== undefined)
    refuseValue('A certificate has no parameter that is a policy document')
  const text = document ?? evaluateText(expression, scope, 'PolicyDocument')
  const mistake = findDocumentMistake(text)
  if (mistake !== undefined) return refuseValue(`The policy document is malformed: ${mistake}`)
  // IAM knows an older version. The pages of AWS IoT have none but this.
  if (parsePolicyDocument(text).version !== '2012-10-17')
    return refuseValue('The policy document is malformed: its Version is not 2012-10-17')
  return text
}

/** A document that is written as an object says what it says: nothing inside is replaced. */
function written(document: JsonObject): string {
  if (hasCall(document, () => true)) refuseValue('A policy document has no Ref and no functions inside')
  return JSON.stringify(document)
}

/** Fn::Join is the one function that does not work in a policy (Developer Guide, fleet provisioning). */
function assertNoJoin(expression: unknown): void {
  if (hasCall(expression, name => name === 'Fn::Join'))
    refuseValue('Fn::Join is not supported in AWS::IoT::Policy')
}

function hasCall(expression: unknown, matches: (name: string) => boolean): boolean {
  if (typeof expression !== 'object' || expression === null) return false
  const names = isCall(expression)
    ? Object.keys(expression).filter(name => name === 'Ref' || name.startsWith('Fn::'))
    : []
  return names.some(matches) || Object.values(expression).some(value => hasCall(value, matches))
}

function generatePolicyName(document: string, { generatedPolicyName }: StandInSettings): string {
  const hashed = generatedPolicyName === 'sha1-of-document' ? document : JSON.stringify(JSON.parse(document))
  return createHash('sha1').update(hashed).digest('hex').toUpperCase()
}
