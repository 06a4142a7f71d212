import { quoted } from '../findings/finding.ts'
import type { DocumentExamination } from '../policy/policy-document.ts'
import { examinePolicyDocument } from '../policy/policy-document.ts'
import type { JsonValue } from '../reading/json-source.ts'
import { pointerTo } from '../reading/json-source.ts'
import { isJsonList, isJsonObject } from '../reading/json-value.ts'
import { isIntrinsic } from '../reading/parse-expression.ts'
import { policyName as policyNameKind } from '../template/aws-name.ts'
import { certificateIdParameter } from '../template/certificate-parameter.ts'
import type { Expression } from '../template/expression.ts'
import { parametersOf, partsOf } from '../template/expression.ts'
import { policyExpressions } from '../template/expressions-of-template.ts'
import type { PolicyDocumentObject, PolicyResource } from '../template/template.ts'
import type { CheckContext } from './context.ts'
import { checkOverrideSettings, noOverrides } from './override-settings.ts'
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
  const examinations = policies.map(policy => checkPolicy(policy, context))
  checkConnect(policies, examinations, context)
}

function checkPolicy(policy: PolicyResource, context: CheckContext): DocumentExamination | undefined {
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
  if (policyDocument === undefined) return undefined
  if (policyDocument.kind === 'object') return checkObject(policyDocument, context)
  return policyDocument.kind === 'literal'
    ? examineLiteral(policyDocument, context)
    : checkMadeDocument(policyDocument, context)
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

/** A document that is made per device: its fixed text is examined with the parameters filled in by a letter. */
function checkMadeDocument(document: Expression, context: CheckContext): DocumentExamination | undefined {
  const { report } = context
  const parameters = parametersOf(document)
  if (document.kind === 'ref') {
    const message = `The policy document is to come from ${quoted(document.name)}.`
    report.add('policy-document-from-subject', {
      pointer: document.pointer,
      message,
      expected: 'a policy document',
      found: quoted(document.name)
    })
    return undefined
  }
  if (parameters.includes(certificateIdParameter)) {
    const message = 'The policy document contains the certificate id.'
    report.add('policy-document-from-id', {
      pointer: document.pointer,
      message,
      expected: 'a document without it',
      found: quoted(certificateIdParameter)
    })
  } else if (parameters.length > 0) {
    const message = `Each value of ${parameters.join(', ')} makes a policy of its own.`
    report.add('policy-per-device', {
      pointer: document.pointer,
      message,
      expected: 'one document for all',
      found: parameters.join(', ')
    })
  }
  if (document.kind !== 'sub' || !document.pieces.every(isPlain)) return undefined
  const text = document.pieces.map(piece => (piece.kind === 'literal' ? piece.value : 'x')).join('')
  return examineMade(text, document.pointer, context)
}

function isPlain(piece: Expression): boolean {
  return piece.kind === 'literal' || piece.kind === 'ref'
}

function checkObject(document: PolicyDocumentObject, context: CheckContext): DocumentExamination {
  const message = 'PolicyDocument is an object; AWS takes it as a string.'
  context.report.add('policy-document-object', {
    pointer: document.pointer,
    message,
    expected: 'a string',
    found: 'an object'
  })
  reportIntrinsics(document.value, document.pointer, context)
  return examineMade(JSON.stringify(document.value), document.pointer, context)
}

function reportIntrinsics(value: JsonValue, pointer: string, context: CheckContext): void {
  if (isIntrinsic(value)) {
    const message = 'Nothing inside a policy document is replaced.'
    context.report.add('function-in-policy', {
      pointer,
      message,
      expected: 'a string',
      found: 'a reference or function'
    })
  } else if (isJsonList(value)) {
    value.forEach((item, index) => {
      reportIntrinsics(item, pointerTo(pointer, index), context)
    })
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value))
      reportIntrinsics(member, pointerTo(pointer, name), context)
  }
}

function examineLiteral(
  { value, pointer }: Extract<Expression, { kind: 'literal' }>,
  { report }: CheckContext
): DocumentExamination {
  const examination = examinePolicyDocument(value)
  for (const { id, ...problem } of examination.problems) report.addInString(id, { pointer, ...problem })
  return examination
}

/** A text that stands nowhere in the template as it is: its problems have the place of the whole value. */
function examineMade(text: string, pointer: string, { report }: CheckContext): DocumentExamination {
  const examination = examinePolicyDocument(text)
  for (const { id, message, expected, found } of examination.problems) {
    report.add(id, { pointer, message, expected, found })
  }
  return examination
}

function checkConnect(
  policies: readonly PolicyResource[],
  examinations: readonly (DocumentExamination | undefined)[],
  { template, report }: CheckContext
): void {
  const isExclusive = template.certificates.some(
    ({ thingPrincipalType: type }) => type?.kind === 'literal' && type.value === 'EXCLUSIVE_THING'
  )
  if (!isExclusive && examinations.some(examination => examination?.usesThingVariables === true)) {
    const message = 'The policy depends on the thing that the connection belongs to.'
    report.add('policy-uses-thing-name', {
      pointer: '/Resources',
      message,
      expected: 'the thing name as MQTT client id',
      found: 'thing policy variables'
    })
  }
  // A policy that is named, or that could not be read, may well allow it.
  const isKnown =
    examinations.length > 0 &&
    examinations.every(each => each !== undefined && each.problems.every(isHarmless))
  if (!isKnown || examinations.some(examination => examination?.allowsConnect === true)) return
  const place = policies[0]?.pointer ?? '/Resources'
  report.addAtName('policy-lets-nobody-connect', {
    pointer: place,
    message: 'No policy here allows iot:Connect.',
    expected: 'iot:Connect',
    found: 'other actions'
  })
}

function isHarmless({ id }: DocumentExamination['problems'][number]): boolean {
  return id === 'placeholder-left' || id === 'policy-variable-unknown' || id === 'policy-allows-everything'
}
