import { quoted } from '../findings/finding.ts'
import { createEffort } from '../policy/matching/pattern.ts'
import { policyName as policyNameKind } from '../template/aws-name.ts'
import type { Expression } from '../template/expression.ts'
import { partsOf } from '../template/expression.ts'
import { policyExpressions } from '../template/expressions-of-template.ts'
import type { PolicyResource } from '../template/template.ts'
import type { CheckContext } from './context.ts'
import { checkOverrideSettings, noOverrides } from './override-settings.ts'
import {
  checkDocument,
  type CheckedDocument,
  type DocumentContext,
  judgeDocuments
} from './policy-documents.ts'
import { checkExisting, type NamingRule } from './thing.ts'

const policiesPerCertificate = 10
const policyNaming: NamingRule = { kind: policyNameKind, invalid: 'policy-name-invalid' }

/** Reports policies that AWS would refuse, and documents that would not let the device do its work. */
export function checkPolicies(context: CheckContext): void {
  const { template, report } = context
  const { policies } = template
  if (policies.length === 0 && template.isComplete) {
    report.add('policy-missing', {
      pointer: '/Resources',
      message: 'The template has no policy.',
      expected: 'a resource of type AWS::IoT::Policy',
      found: 'none'
    })
  }
  if (policies.length > policiesPerCertificate) {
    const message = `The template attaches ${policies.length} policies.`
    report.add('policies-too-many', {
      pointer: '/Resources',
      message,
      expected: `at most ${policiesPerCertificate}`,
      found: String(policies.length)
    })
  }
  reportRepeats(policies, context)
  const documents: DocumentContext = {
    ...context,
    surroundings: {
      place: context.place,
      hasThing: template.things.length > 0 || !template.isComplete,
      effort: createEffort()
    }
  }
  judgeDocuments(
    policies.map(policy => checkPolicy(policy, documents)),
    documents
  )
}

function reportRepeats(policies: readonly PolicyResource[], { report }: CheckContext): void {
  const seen = new Set<string>()
  for (const { policyName: name, pointer } of policies) {
    if (name?.kind !== 'literal') continue
    if (seen.has(name.value)) {
      report.addAtName('policy-repeated', {
        pointer,
        message: `${quoted(name.value)} is named twice.`,
        expected: 'each policy once',
        found: quoted(name.value)
      })
    }
    seen.add(name.value)
  }
}

function checkPolicy(policy: PolicyResource, context: DocumentContext): CheckedDocument | undefined {
  const { report, template } = context
  const { policyName, policyDocument, pointer } = policy
  if ((policyName === undefined) === (policyDocument === undefined) && template.isComplete) {
    const found = policyName === undefined ? 'neither' : 'both'
    const conjunction = found === 'both' ? 'and' : 'nor'
    const message = `The policy has ${found} PolicyName ${conjunction} PolicyDocument.`
    report.add('policy-name-or-document', {
      pointer: `${pointer}/Properties`,
      message,
      expected: 'one of the two',
      found
    })
  }
  checkOverrideSettings(policy.overrides ?? [], noOverrides, context)
  for (const expression of policyExpressions(policy)) reportJoin(expression, context)
  checkExisting(policyName, policyNaming, context)
  return policyDocument === undefined ? undefined : checkDocument(policyDocument, context)
}

function reportJoin(expression: Expression, { report }: CheckContext): void {
  for (const part of partsOf(expression)) {
    if (part.kind !== 'join') continue
    report.add('function-in-policy', {
      pointer: part.pointer,
      message: 'Fn::Join does not work inside a policy.',
      expected: 'a literal',
      found: 'Fn::Join'
    })
  }
}
