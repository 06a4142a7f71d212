import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { groupsPerThing } from '../checks/thing.ts'
import type { Finding, FindingId } from '../findings/finding.ts'
import { createFinding, quoted } from '../findings/finding.ts'
import { examinePolicyDocument } from '../policy/policy-document.ts'
import { predictPolicyName } from '../policy/policy-name.ts'
import type { AwsName } from '../template/aws-name.ts'
import {
  attributeValue,
  billingGroupName,
  describeName,
  findNameProblem,
  nameCharacter,
  policyName,
  thingGroupName,
  thingName,
  thingTypeName
} from '../template/aws-name.ts'
import type { Expression, ListExpression } from '../template/expression.ts'
import { parametersOf } from '../template/expression.ts'
import type { ThingResource } from '../template/template.ts'
import type { CompiledParameter, CompiledPolicy, CompiledTemplate } from './compile.ts'
import type { EvaluationScope } from './evaluate-expression.ts'
import { evaluateExpression, evaluateList } from './evaluate-expression.ts'
import type { PredictedPolicy, PredictedThing, Prediction } from './prediction.ts'

/** What a template is evaluated against: the certificate as it is, or will be, signed. */
export interface CertificateFacts {
  readonly subject: Subject
  /** The content octets of the INTEGER, positive. */
  readonly certificateSerialNumber: Uint8Array
  /** Lower-case hex; left out before signing, since it depends on the signature. */
  readonly certificateId?: string
}

export type Evaluation =
  | { readonly ok: true; readonly prediction: Prediction }
  | { readonly ok: false; readonly findings: readonly Finding[] }

/**
 * What AWS IoT will make of this certificate, or why it would make nothing of it. Findings point into the
 * template, carry no position, and name the subject field to blame. Pure; never throws.
 */
export function evaluateTemplate(compiled: CompiledTemplate, facts: CertificateFacts): Evaluation {
  const evaluator = new Evaluator(compiled, facts)
  const prediction = evaluator.predict()
  return evaluator.findings.length === 0
    ? { ok: true, prediction }
    : { ok: false, findings: evaluator.findings }
}

class Evaluator {
  readonly findings: Finding[] = []
  readonly #compiled: CompiledTemplate
  readonly #facts: CertificateFacts
  readonly #values = new Map<string, string | null>()
  readonly #scope: EvaluationScope

  constructor(compiled: CompiledTemplate, facts: CertificateFacts) {
    this.#compiled = compiled
    this.#facts = facts
    this.#scope = {
      values: this.#values,
      mappings: compiled.mappings,
      report: (id, pointer, ...texts) => {
        this.#report(id, pointer, undefined, ...texts)
      }
    }
  }

  predict(): Prediction {
    const { parameters, thing, policies } = this.#compiled
    for (const parameter of parameters) this.#values.set(parameter.name, this.#valueOf(parameter))
    const prediction: Prediction = {
      thing: thing === undefined ? null : this.#predictThing(thing),
      certificate: { status: 'ACTIVE' },
      policies: policies.map(policy => this.#predictPolicy(policy))
    }
    for (const parameter of parameters) this.#checkCharacters(parameter)
    return prediction
  }

  #valueOf({ name, source, fallback }: CompiledParameter): string | null {
    if (source === 'certificate-id') return this.#facts.certificateId ?? null
    if (source === 'certificate-serial-number') return decimalOf(this.#facts.certificateSerialNumber)
    const value = this.#facts.subject[source]
    if (value !== undefined && value !== '') return value
    if (value === undefined && fallback !== undefined) return fallback
    const found = value === undefined ? 'nothing' : 'an empty value'
    const message = `The certificate carries no ${source}, and the template declares ${name}.`
    this.#report('subject-field-missing', `/Parameters/${name}`, source, message, source, found)
    return null
  }

  #predictThing(thing: ThingResource): PredictedThing {
    const name =
      thing.thingName && this.#text(thing.thingName, 'thing-name-invalid', thingName, 'The thing name')
    const attributes: [string, string | null][] = thing.attributes.map(attribute => [
      attribute.name,
      this.#text(
        attribute.value,
        'attribute-value-invalid',
        attributeValue,
        `The attribute ${quoted(attribute.name)}`
      )
    ])
    const type = thing.thingTypeName
    const billing = thing.billingGroup
    return {
      thingName: name ?? null,
      ...(name === null && { thingNameFrom: 'certificateId' as const }),
      attributes: Object.fromEntries(attributes),
      thingTypeName: type
        ? this.#text(type, 'thing-type-invalid', thingTypeName, 'The thing type name')
        : null,
      thingGroups: thing.thingGroups ? this.#groups(thing.thingGroups) : [],
      billingGroup: billing
        ? this.#text(billing, 'billing-group-invalid', billingGroupName, 'The billing group name')
        : null
    }
  }

  #groups(list: ListExpression): readonly string[] {
    const texts = evaluateList(list, this.#scope) ?? []
    texts.forEach((text, index) => {
      const item = list.kind === 'list' ? (list.items[index] ?? list) : list
      this.#checkName(text, item, 'thing-group-invalid', thingGroupName, 'The group name')
    })
    const groups = [...new Set(texts)]
    if (groups.length > groupsPerThing) {
      const message = `The thing is put into ${groups.length} groups.`
      this.#report(
        'thing-groups-too-many',
        list.pointer,
        undefined,
        message,
        `at most ${groupsPerThing}`,
        String(groups.length)
      )
    }
    return groups
  }

  #predictPolicy(policy: CompiledPolicy): PredictedPolicy {
    switch (policy.kind) {
      case 'fixed':
        return policy.policy
      case 'named':
        return {
          policyName:
            this.#text(policy.policyName, 'policy-name-invalid', policyName, 'The policy name') ?? ''
        }
      case 'made': {
        const policyDocument = evaluateExpression(policy.policyDocument, this.#scope) ?? ''
        this.#checkDocument(policyDocument, policy.policyDocument)
        return { policyDocument, predictedName: predictPolicyName(policyDocument, this.#compiled.options) }
      }
    }
  }

  #checkDocument(document: string, expression: Expression): void {
    const problem = examinePolicyDocument(document).problems.find(({ id }) => documentErrors.has(id))
    if (problem === undefined || this.findings.length > 0) return
    const field = this.#fieldsOf(expression)[0]
    this.#report(problem.id, expression.pointer, field, problem.message, problem.expected, problem.found)
  }

  #text(expression: Expression, id: FindingId, kind: AwsName, label: string): string | null {
    const text = evaluateExpression(expression, this.#scope)
    if (text !== null && expression.kind !== 'literal') this.#checkName(text, expression, id, kind, label)
    return text
  }

  #checkName(
    text: string,
    expression: Expression | ListExpression,
    id: FindingId,
    kind: AwsName,
    label: string
  ): void {
    const problem = findNameProblem(kind, text)
    if (problem === undefined) return
    const fields = this.#fieldsOf(expression)
    const field = fields.find(each => !kind.alphabet.test(this.#facts.subject[each] ?? '')) ?? fields[0]
    const subject = expression.kind === 'ref' && field !== undefined ? field : label
    const message = `${subject} ${quoted(text)} ${problem.found}: ${problem.rule}.`
    this.#report(id, expression.pointer, field, message, describeName(kind), quoted(text))
  }

  /** The subject fields that an expression is made from. */
  #fieldsOf(expression: Expression | ListExpression): readonly SubjectField[] {
    const names = parametersOf(expression)
    return this.#compiled.parameters.flatMap(({ name, source }) =>
      names.includes(name) && source !== 'certificate-id' && source !== 'certificate-serial-number'
        ? [source]
        : []
    )
  }

  #checkCharacters({ name, source, isUsed }: CompiledParameter): void {
    if (!isUsed || source === 'certificate-id' || source === 'certificate-serial-number') return
    if (this.#compiled.options.subjectCharacters === 'accept') return
    const value = this.#facts.subject[source] ?? ''
    const character = escapedCharacters.exec(value)?.[0]
    if (character === undefined || this.findings.some(({ subjectField }) => subjectField === source)) return
    const place = character === ' ' ? 'begins or ends with a space' : `has ${nameCharacter(character)}`
    const message = `${source} ${quoted(value)} ${place}, which AWS may pass on with a backslash before it.`
    this.#report(
      'subject-field-characters',
      `/Parameters/${name}`,
      source,
      message,
      'none of , + " \\ < > ; = #',
      quoted(value)
    )
  }

  #report(
    id: FindingId,
    pointer: string,
    subjectField: SubjectField | undefined,
    message: string,
    expected: string,
    found: string
  ): void {
    this.findings.push(createFinding(id, { pointer, subjectField, message, expected, found }))
  }
}

/** The characters that RFC 4514 section 2.4 escapes. */
const escapedCharacters = /[,+"\\<>;=#]|^ | $/

const documentErrors: ReadonlySet<FindingId> = new Set([
  'policy-document-not-json',
  'policy-document-escaped-too-often',
  'policy-document-invalid',
  'policy-document-too-long',
  'typographic-quotes'
])

function decimalOf(serialNumber: Uint8Array): string {
  return BigInt(`0x0${serialNumber.toHex()}`).toString()
}
