import { toHex } from '../../pki/der/octet-text.ts'
import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { groupsPerThing } from '../checks/thing.ts'
import {
  createFinding,
  type Finding,
  type FindingDetail,
  type FindingId,
  quoted
} from '../findings/finding.ts'
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
import { ExpressionEvaluator } from './evaluate-expression.ts'
import type { PredictedPolicy, PredictedThing, Prediction } from './prediction.ts'

/** What a template is evaluated against: the certificate as it is, or will be, signed. */
export interface CertificateFacts {
  readonly subject: Subject
  /** The content octets of the INTEGER. */
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

/**
 * In the place of the certificate id before signing. The id is always 64 hexadecimal digits, so that alphabet and length of
 * what is made with it can be judged; the digits stand for a noncharacter of Unicode, which no value has, so that what is
 * not made with it is known as such. The check refuses templates in which more depends on the digits.
 */
const digitsToCome = '\uFFFF'.repeat(64)
const someDigits = '0'.repeat(64)

/** What a text names, and the finding for one that cannot name it. */
interface NamedPlace {
  readonly id: FindingId
  readonly kind: AwsName
  /** As messages call it. */
  readonly label: string
}

/** The names that are checked. */
const places = {
  thingName: { id: 'thing-name-invalid', kind: thingName, label: 'The thing name' },
  thingTypeName: { id: 'thing-type-invalid', kind: thingTypeName, label: 'The thing type name' },
  billingGroupName: { id: 'billing-group-invalid', kind: billingGroupName, label: 'The billing group name' },
  groupName: { id: 'thing-group-invalid', kind: thingGroupName, label: 'The group name' },
  policyName: { id: 'policy-name-invalid', kind: policyName, label: 'The policy name' }
} as const satisfies Record<string, NamedPlace>

class Evaluator {
  readonly findings: Finding[] = []
  readonly #compiled: CompiledTemplate
  readonly #facts: CertificateFacts
  readonly #values = new Map<string, string | null>()
  readonly #expressions: ExpressionEvaluator

  constructor(compiled: CompiledTemplate, facts: CertificateFacts) {
    this.#compiled = compiled
    this.#facts = facts
    this.#expressions = new ExpressionEvaluator({
      values: this.#values,
      mappings: compiled.mappings,
      report: (id, text) => {
        this.#report(id, text)
      }
    })
  }

  predict(): Prediction {
    const { parameters, thing, policies, others } = this.#compiled
    for (const parameter of parameters) this.#values.set(parameter.name, this.#valueOf(parameter))
    const prediction: Prediction = {
      thing: thing === undefined ? null : this.#predictThing(thing),
      certificate: { status: 'ACTIVE' },
      policies: withoutRepeats(policies.map(policy => this.#predictPolicy(policy)))
    }
    for (const other of others) this.#expressions.text(other)
    for (const parameter of parameters) this.#checkCharacters(parameter)
    return prediction
  }

  #valueOf({ name, source, fallback }: CompiledParameter): string | null {
    if (source === 'certificate-id') return this.#facts.certificateId ?? digitsToCome
    if (source === 'certificate-serial-number') return this.#serialNumber(name)
    const value = this.#facts.subject[source]
    if (value !== undefined && value !== '') return value
    if (value === undefined && fallback !== undefined) return fallback
    const found = value === undefined ? 'nothing' : 'an empty value'
    const message = `The certificate carries no ${source}, and the template declares ${name}.`
    this.#report('subject-field-missing', {
      pointer: `/Parameters/${name}`,
      subjectField: source,
      message,
      expected: source,
      found
    })
    return null
  }

  #serialNumber(name: string): string | null {
    const octets = this.#facts.certificateSerialNumber
    if ((octets[0] ?? 0) < 0x80) return decimalOf(octets)
    this.#report('serial-number-negative', {
      pointer: `/Parameters/${name}`,
      message: `The serial number of the certificate is negative, and the template declares ${name}.`,
      expected: 'a positive serial number',
      found: `the octets ${toHex(octets)}`
    })
    return null
  }

  #predictThing(thing: ThingResource): PredictedThing {
    const name = thing.thingName && this.#text(thing.thingName, places.thingName)
    const attributes: [string, string | null][] = thing.attributes.map(attribute => [
      attribute.name,
      this.#text(attribute.value, {
        id: 'attribute-value-invalid',
        kind: attributeValue,
        label: `The attribute ${quoted(attribute.name)}`
      })
    ])
    const type = thing.thingTypeName
    const billing = thing.billingGroup
    return {
      thingName: name ?? null,
      ...(name === null && { thingNameFrom: 'certificateId' as const }),
      attributes: Object.fromEntries(attributes),
      thingTypeName: type ? this.#text(type, places.thingTypeName) : null,
      thingGroups: thing.thingGroups ? this.#groups(thing.thingGroups) : [],
      billingGroup: billing ? this.#text(billing, places.billingGroupName) : null
    }
  }

  #groups(list: ListExpression): readonly string[] {
    const texts = this.#expressions.list(list) ?? []
    texts.forEach((text, index) => {
      const item = list.kind === 'list' ? (list.items[index] ?? list) : list
      this.#checkName(text, item, places.groupName)
    })
    const groups = [...new Set(texts)]
    if (groups.length > groupsPerThing) {
      const message = `The thing is put into ${groups.length} groups.`
      this.#report('thing-groups-too-many', {
        pointer: list.pointer,
        message,
        expected: `at most ${groupsPerThing}`,
        found: String(groups.length)
      })
    }
    return groups
  }

  #predictPolicy(policy: CompiledPolicy): PredictedPolicy {
    switch (policy.kind) {
      case 'fixed':
        return policy.policy
      case 'named':
        return {
          policyName: this.#text(policy.policyName, places.policyName) ?? ''
        }
      case 'made': {
        const text = this.#expressions.text(policy.policyDocument) ?? ''
        const document = this.#withSomeDigits(text)
        this.#checkDocument(document, policy.policyDocument)
        if (document !== text) return { policyDocument: '', predictedName: null }
        return { policyDocument: text, predictedName: predictPolicyName(text, this.#compiled.options) }
      }
    }
  }

  #checkDocument(document: string, expression: Expression): void {
    const problem = examinePolicyDocument(document).problems.find(({ id }) => documentErrors.has(id))
    if (problem === undefined || this.findings.length > 0) return
    const field = this.#fieldsOf(expression)[0]
    this.#report(problem.id, {
      pointer: expression.pointer,
      subjectField: field,
      message: problem.message,
      expected: problem.expected,
      found: problem.found
    })
  }

  #text(expression: Expression, name: NamedPlace): string | null {
    const text = this.#expressions.text(expression)
    if (text === null || expression.kind === 'literal') return text
    const known = this.#withSomeDigits(text)
    this.#checkName(known, expression, name)
    return known === text ? text : null
  }

  #checkName(text: string, expression: Expression | ListExpression, { id, kind, label }: NamedPlace): void {
    const problem = findNameProblem(kind, text)
    if (problem === undefined) return
    const fields = this.#fieldsOf(expression)
    const field = fields.find(each => !kind.alphabet.test(this.#facts.subject[each] ?? '')) ?? fields[0]
    const subject = expression.kind === 'ref' && field !== undefined ? field : label
    const message = `${subject} ${quoted(text)} ${problem.found}: ${problem.rule}.`
    this.#report(id, {
      pointer: expression.pointer,
      subjectField: field,
      message,
      expected: describeName(kind),
      found: quoted(text)
    })
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
    this.#report('subject-field-characters', {
      pointer: `/Parameters/${name}`,
      subjectField: source,
      message,
      expected: 'none of , + " \\ < > ; = #',
      found: quoted(value)
    })
  }

  #withSomeDigits(text: string): string {
    return this.#facts.certificateId === undefined ? text.replaceAll(digitsToCome, someDigits) : text
  }

  #report(id: FindingId, detail: FindingDetail): void {
    this.findings.push(createFinding(id, detail))
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

/** A policy that is attached twice is attached. */
function withoutRepeats(policies: readonly PredictedPolicy[]): readonly PredictedPolicy[] {
  const keyOf = (policy: PredictedPolicy) =>
    'policyName' in policy ? `name ${policy.policyName}` : `document ${policy.policyDocument}`
  return [...new Map(policies.map(policy => [keyOf(policy), policy])).values()]
}

function decimalOf(serialNumber: Uint8Array): string {
  return BigInt(`0x0${toHex(serialNumber)}`).toString()
}
