import { findingCatalogue, type FindingId, quoted } from '../findings/finding.ts'
import type { TemplateReport } from '../findings/report.ts'
import type { DocumentProblem } from '../policy/document-report.ts'
import type { PolicySurroundings } from '../policy/matching/resource.ts'
import { type DocumentExamination, examinePolicyDocument } from '../policy/policy-document.ts'
import { judgeReach } from '../policy/reach.ts'
import type { JsonValue } from '../reading/json/source.ts'
import { pointerTo } from '../reading/json/source.ts'
import { isJsonList, isJsonObject } from '../reading/json/value.ts'
import { isIntrinsic } from '../reading/parsing/expression.ts'
import { certificateIdParameter } from '../template/certificate-parameter.ts'
import type { Expression } from '../template/expression.ts'
import { visibleParametersOf } from '../template/expression.ts'
import type { PolicyDocumentObject } from '../template/template.ts'
import type { CheckContext } from './context.ts'

export interface DocumentContext extends CheckContext {
  readonly surroundings: PolicySurroundings
}

/** A policy document that was examined, and how a problem of it is told. */
export interface CheckedDocument {
  readonly examination: DocumentExamination
  readonly tell: (problem: DocumentProblem) => void
}

/** Reports what is wrong with one document. Undefined where it is not known what the document says. */
export function checkDocument(
  document: Expression | PolicyDocumentObject,
  context: DocumentContext
): CheckedDocument | undefined {
  const { pointer } = document
  const { report } = context
  if (document.kind === 'object') {
    reportObject(document, context)
    return examine(JSON.stringify(document.value), context, problem => {
      tellInObject(problem, pointer, report)
    })
  }
  if (document.kind === 'literal') {
    return examine(document.value, context, ({ id, offset, pointer: inner, message, expected, found }) => {
      // A pointer ends at the string.
      const place = report.hasPlaces || inner === '' ? '' : ` (${inner} of the document)`
      report.addInString(id, { pointer, index: offset, message: message + place, expected, found })
    })
  }
  const text = textOfMade(document, context)
  // It stands nowhere in the template as it is: its problems have the place of the whole value.
  return text === undefined
    ? undefined
    : examine(text, context, ({ id, message, expected, found }) => {
        report.add(id, { pointer, message, expected, found })
      })
}

function examine(
  text: string,
  { surroundings }: DocumentContext,
  tell: CheckedDocument['tell']
): CheckedDocument {
  const examination = examinePolicyDocument(text, surroundings)
  examination.problems.forEach(tell)
  return { examination, tell }
}

function tellInObject(
  { id, pointer, part, index, message, expected, found }: DocumentProblem,
  documentPointer: string,
  report: TemplateReport
): void {
  const text = { pointer: documentPointer + pointer, message, expected, found }
  if (part === 'name') report.addAtName(id, text)
  else if (index === undefined) report.add(id, text)
  else report.addInString(id, { ...text, index })
}

function reportObject(document: PolicyDocumentObject, context: CheckContext): void {
  const message = 'PolicyDocument is an object; AWS takes it as a string.'
  context.report.add('policy-document-object', {
    pointer: document.pointer,
    message,
    expected: 'a string',
    found: 'an object'
  })
  reportIntrinsics(document.value, document.pointer, context)
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

/** Of a document that is made per device, the fixed text with the parameters filled in by a letter. */
function textOfMade(document: Expression, { report }: CheckContext): string | undefined {
  const parameters = visibleParametersOf(document)
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
  return document.pieces.map(piece => (piece.kind === 'literal' ? piece.value : 'x')).join('')
}

function isPlain(piece: Expression): boolean {
  return piece.kind === 'literal' || piece.kind === 'ref'
}

/** Reports what the policies of the template do or do not do together. */
export function judgeDocuments(
  documents: readonly (CheckedDocument | undefined)[],
  context: DocumentContext
): void {
  reportThingNames(documents, context)
  // A policy that is named, or that could not be read, may well allow what the others do not, or deny it.
  const known = documents.filter(document => document !== undefined)
  const isKnown =
    known.length === documents.length && known.every(({ examination }) => isReadable(examination))
  if (known.length === 0 || !isKnown || !context.template.isComplete) return
  const { template, report, surroundings } = context
  const statements = known.map(({ examination }) => examination.statements)
  for (const { id, document, text } of judgeReach(statements, surroundings)) {
    const place = document === undefined ? undefined : known[document]
    if (place !== undefined) place.tell(place.examination.locate(id, text))
    else report.addAtName(id, { ...text, pointer: template.policies[0]?.pointer ?? '/Resources' })
  }
}

function reportThingNames(
  documents: readonly (CheckedDocument | undefined)[],
  { template, report, surroundings }: DocumentContext
): void {
  const isExclusive = template.certificates.some(
    ({ thingPrincipalType: type }) => type?.kind === 'literal' && type.value === 'EXCLUSIVE_THING'
  )
  if (isExclusive || !surroundings.hasThing) return
  if (!documents.some(document => document?.examination.usesThingVariables === true)) return
  report.add('policy-uses-thing-name', {
    pointer: '/Resources',
    message: 'The policy depends on the thing that the connection belongs to.',
    expected: 'the thing name as MQTT client id',
    found: 'thing policy variables'
  })
}

function isReadable({ problems }: DocumentExamination): boolean {
  return problems.every(({ id }: { readonly id: FindingId }) => findingCatalogue[id].severity !== 'error')
}
