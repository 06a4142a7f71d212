import { quoted } from '../findings/finding.ts'
import { certificateIdParameter, nearestParameter } from '../template/certificate-parameter.ts'
import type { Expression, ListExpression } from '../template/expression.ts'
import { indexPattern, parametersOf, partsOf } from '../template/expression.ts'
import { expressionsOf } from '../template/expressions-of-template.ts'
import type { CheckContext } from './context.ts'

const functionKinds: ReadonlySet<string> = new Set(['join', 'select', 'find-in-map', 'sub', 'split'])

/** Reports references that lead nowhere, functions, and the parts of a template that only fleets have. */
export function checkExpressions(context: CheckContext): void {
  const { template, kind, options, report } = context
  const acceptsFunctions = options.functions === 'accept'
  for (const expression of expressionsOf(template)) {
    const parts = partsOf(expression)
    if (parts.some(part => functionKinds.has(part.kind))) reportFunction(expression, context)
    for (const part of parts) checkPart(part, context)
  }
  // Of a template for fleets it is said as a whole.
  if (acceptsFunctions || kind === 'fleet') return
  if (template.mappings !== undefined) {
    report.addAtName('mappings-not-for-jitp', {
      pointer: '/Mappings',
      message: 'The template has Mappings.',
      expected: 'no Mappings',
      found: 'Mappings'
    })
  }
  if (template.deviceConfiguration !== undefined) {
    const message = 'The template has a DeviceConfiguration, which no device would receive.'
    report.addAtName('device-configuration-not-for-jitp', {
      pointer: '/DeviceConfiguration',
      message,
      expected: 'none',
      found: 'DeviceConfiguration'
    })
  }
}

function reportFunction(expression: Expression | ListExpression, { options, report }: CheckContext): void {
  const id = options.functions === 'accept' ? 'function-accepted' : 'function-not-for-jitp'
  const message = 'The value is made by a function, which just-in-time provisioning may not run.'
  report.add(id, { pointer: expression.pointer, message, expected: 'Ref or a literal', found: 'a function' })
}

function checkPart(part: Expression | ListExpression, context: CheckContext): void {
  checkDigits(part, context)
  if (part.kind === 'ref') checkReference(part.name, part.pointer, context)
  else if (part.kind === 'find-in-map') checkMap(part, context)
  else if (part.kind === 'select') checkIndex(part, context)
}

/** The certificate id can be put into a text; what its digits say is known only once the certificate is signed. */
function checkDigits(part: Expression | ListExpression, { report }: CheckContext): void {
  const depends = decidingPartsOf(part).some(each => parametersOf(each).includes(certificateIdParameter))
  if (!depends) return
  report.add('certificate-id-decides', {
    pointer: part.pointer,
    message: 'What this makes depends on the digits of the certificate id.',
    expected: 'the certificate id in a text, at most',
    found: functionNames[part.kind] ?? part.kind
  })
}

const functionNames: Readonly<Record<string, string>> = {
  select: 'the certificate id as index of Fn::Select',
  'find-in-map': 'the certificate id as key of Fn::FindInMap',
  split: 'the certificate id split by Fn::Split at a delimiter that may be in it'
}

/** What chooses, and does not only become a part of the text. */
function decidingPartsOf(part: Expression | ListExpression): readonly (Expression | ListExpression)[] {
  if (part.kind === 'select') return [part.index]
  if (part.kind === 'find-in-map') return [part.top, part.second]
  const mayBeInIt = part.kind === 'split' && (part.delimiter === '' || /[0-9a-f]/.test(part.delimiter))
  return mayBeInIt ? [part.source] : []
}

/** More parameters than there are. */
const maximumListed = 12

function checkReference(name: string, pointer: string, context: CheckContext): void {
  const { template, report } = context
  if (template.parameters.has(name)) return
  if (name === certificateIdParameter) {
    reportUndeclaredId(pointer, context)
    return
  }
  const near = template.parameters.has(nearestParameter(name) ?? '') ? nearestParameter(name) : undefined
  const advice = near === undefined ? '' : ` Perhaps ${quoted(near)} is meant.`
  const declared = [...template.parameters.keys()].slice(0, maximumListed).join(', ')
  const message = `${quoted(name)} is not declared under Parameters.${advice}`
  report.add('ref-undeclared', {
    pointer,
    message,
    expected: declared === '' ? 'a declared parameter' : declared,
    found: quoted(name)
  })
}

/** AWS's pages declare it in each example and do not say that it must be. */
function reportUndeclaredId(pointer: string, { options, report }: CheckContext): void {
  const isAccepted = options.undeclaredCertificateId === 'accept'
  const message = `${quoted(certificateIdParameter)} is not declared under Parameters.`
  report.add(isAccepted ? 'certificate-id-undeclared-accepted' : 'certificate-id-undeclared', {
    pointer,
    message,
    expected: 'a declaration under Parameters',
    found: 'none'
  })
}

function checkMap(
  part: Extract<Expression, { kind: 'find-in-map' }>,
  { template, report }: CheckContext
): void {
  const map = template.mappings?.get(part.map)
  if (map === undefined) {
    const message = `There is no map ${quoted(part.map)}.`
    report.add('map-key-missing', {
      pointer: part.pointer,
      message,
      expected: 'a map under Mappings',
      found: quoted(part.map)
    })
    return
  }
  if (part.top.kind !== 'literal' || part.second.kind !== 'literal') return
  if (map.get(part.top.value)?.has(part.second.value) === true) return
  const path = quoted(`${part.top.value}.${part.second.value}`)
  report.add('map-key-missing', {
    pointer: part.pointer,
    message: `The map ${quoted(part.map)} has no ${path}.`,
    expected: 'a key of the map',
    found: path
  })
}

function checkIndex(part: Extract<Expression, { kind: 'select' }>, { report }: CheckContext): void {
  if (part.index.kind !== 'literal') return
  const index = part.index.value
  const length = part.list.kind === 'list' ? part.list.items.length : Number.POSITIVE_INFINITY
  if (indexPattern.test(index) && Number(index) < length) return
  const message = `The list has no item ${quoted(index)}.`
  report.add('select-out-of-range', {
    pointer: part.pointer,
    message,
    expected: 'an index from 0',
    found: quoted(index)
  })
}
