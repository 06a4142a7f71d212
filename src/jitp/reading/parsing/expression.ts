import { type FindingText, quoted } from '../../findings/finding.ts'
import type { TemplateReport } from '../../findings/report.ts'
import type { Expression, ListExpression } from '../../template/expression.ts'
import type { NamedText } from '../../template/template.ts'
import type { JsonObject, JsonValue } from '../json/source.ts'
import { pointerTo } from '../json/source.ts'
import { isJsonList, isJsonObject, kindOf } from '../json/value.ts'

const functionNames = ['Fn::Join', 'Fn::Select', 'Fn::FindInMap', 'Fn::Split', 'Fn::Sub'] as const
type FunctionName = (typeof functionNames)[number]

/** Whether an object stands for a value that is made later: `Ref` or a function, known or not. */
export function isIntrinsic(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && Object.keys(value).some(name => name === 'Ref' || name.startsWith('Fn::'))
}

/** Reads a text: a string, a Ref, or a function that makes one. Reports and answers undefined if it is neither. */
export function parseExpression(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): Expression | undefined {
  if (typeof value === 'string') return { kind: 'literal', value, pointer }
  const call = parseCall(value, pointer, report)
  if (call === undefined) return undefined
  const { name, argument, argumentPointer } = call
  switch (name) {
    case 'Ref':
      if (typeof argument === 'string') return { kind: 'ref', name: argument, pointer }
      report.wrongType(argumentPointer, 'the name of a parameter', argument)
      return undefined
    case 'Fn::Join':
      return parseJoin(argument, argumentPointer, report)
    case 'Fn::Select':
      return parseSelect(argument, argumentPointer, report)
    case 'Fn::FindInMap':
      return parseFindInMap(argument, argumentPointer, report)
    case 'Fn::Sub':
      return parseSub(argument, argumentPointer, report)
    case 'Fn::Split':
      wrongArguments(report, {
        pointer,
        expected: 'a text: put Fn::Select around Fn::Split',
        found: 'Fn::Split, which makes a list'
      })
      return undefined
  }
}

/** Reads an object of names and texts; what cannot be read is reported and left out. */
export function parseNamedTexts(
  value: JsonObject,
  pointer: string,
  report: TemplateReport
): readonly NamedText[] {
  return Object.entries(value).flatMap(([name, text]) => {
    const place = pointerTo(pointer, name)
    const expression = parseExpression(text, place, report)
    return expression === undefined ? [] : [{ name, value: expression, pointer: place }]
  })
}

/** Reads a list of texts: a JSON list, or Fn::Split. */
export function parseListExpression(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): ListExpression | undefined {
  if (isJsonList(value)) {
    const items = value.map((item, index) => parseExpression(item, pointerTo(pointer, index), report))
    return items.some(item => item === undefined)
      ? undefined
      : { kind: 'list', items: items as Expression[], pointer }
  }
  const split = isJsonObject(value) ? value['Fn::Split'] : undefined
  if (!isJsonObject(value) || split === undefined || Object.keys(value).length !== 1) {
    report.wrongType(pointer, 'a list', value)
    return undefined
  }
  const inner = pointerTo(pointer, 'Fn::Split')
  if (!isJsonList(split) || split.length !== 2 || typeof split[0] !== 'string' || split[0] === '') {
    wrongArguments(report, { pointer: inner, expected: '["delimiter", "source"]', found: kindOf(split) })
    return undefined
  }
  const source = parseExpression(split[1], pointerTo(inner, 1), report)
  return source && { kind: 'split', delimiter: split[0], source, pointer }
}

function parseCall(
  value: JsonValue | undefined,
  pointer: string,
  report: TemplateReport
): { name: 'Ref' | FunctionName; argument: JsonValue; argumentPointer: string } | undefined {
  if (!isJsonObject(value)) {
    report.wrongType(pointer, 'a string or {"Ref": …}', value)
    return undefined
  }
  const [name, ...more] = Object.keys(value)
  const known = (['Ref', ...functionNames] as const).find(candidate => candidate === name)
  if (name !== undefined && known !== undefined && more.length === 0) {
    return { name: known, argument: value[name] ?? null, argumentPointer: pointerTo(pointer, name) }
  }
  if (known !== undefined) {
    const found = more.map(quoted).join(', ')
    wrongArguments(report, { pointer, expected: `nothing beside ${known}`, found })
  } else if (name?.startsWith('Fn::') === true || name?.toLowerCase() === 'ref') {
    report.add('function-unknown', {
      pointer,
      message: `There is no function ${quoted(name)}.`,
      expected: ['Ref', ...functionNames].join(', '),
      found: quoted(name)
    })
  } else report.wrongType(pointer, 'a string or {"Ref": …}', value)
  return undefined
}

function parseJoin(value: JsonValue, pointer: string, report: TemplateReport): Expression | undefined {
  if (!isJsonList(value) || value.length !== 2 || typeof value[0] !== 'string') {
    wrongArguments(report, { pointer, expected: '["delimiter", [texts]]', found: kindOf(value) })
    return undefined
  }
  const list = parseListExpression(value[1], pointerTo(pointer, 1), report)
  return list && { kind: 'join', delimiter: value[0], list, pointer }
}

function parseSelect(value: JsonValue, pointer: string, report: TemplateReport): Expression | undefined {
  if (!isJsonList(value) || value.length !== 2) {
    wrongArguments(report, { pointer, expected: '["index", [texts]]', found: kindOf(value) })
    return undefined
  }
  const indexValue = typeof value[0] === 'number' ? String(value[0]) : value[0]
  const index = parseExpression(indexValue, pointerTo(pointer, 0), report)
  const list = parseListExpression(value[1], pointerTo(pointer, 1), report)
  return index && list && { kind: 'select', index, list, pointer }
}

function parseFindInMap(value: JsonValue, pointer: string, report: TemplateReport): Expression | undefined {
  if (!isJsonList(value) || value.length !== 3 || typeof value[0] !== 'string') {
    wrongArguments(report, { pointer, expected: '["map", "top key", "second key"]', found: kindOf(value) })
    return undefined
  }
  const top = parseExpression(value[1], pointerTo(pointer, 1), report)
  const second = parseExpression(value[2], pointerTo(pointer, 2), report)
  return top && second && { kind: 'find-in-map', map: value[0], top, second, pointer }
}

function parseSub(value: JsonValue, pointer: string, report: TemplateReport): Expression | undefined {
  if (typeof value === 'string')
    return subOf(value, { pointer, textPointer: pointer, bound: new Map() }, report)
  const [text, variables] = isJsonList(value) && value.length === 2 ? value : []
  if (typeof text !== 'string' || !isJsonObject(variables)) {
    wrongArguments(report, {
      pointer,
      expected: 'a string, or ["string", {variables}]',
      found: kindOf(value)
    })
    return undefined
  }
  const bound = parseVariables(variables, pointerTo(pointer, 1), report)
  return bound && subOf(text, { pointer, textPointer: pointerTo(pointer, 0), bound }, report)
}

function parseVariables(
  variables: JsonObject,
  pointer: string,
  report: TemplateReport
): ReadonlyMap<string, Expression> | undefined {
  const bound = new Map<string, Expression>()
  for (const [name, value] of Object.entries(variables)) {
    const expression = parseExpression(value, pointerTo(pointer, name), report)
    if (expression === undefined) return undefined
    bound.set(name, expression)
  }
  return bound
}

/** A name as parameters have it, in braces, and nothing else: AWS documents no other form for provisioning templates. */
const variablePattern = /(\$\{[A-Za-z0-9_.:-]+\})/

interface SubPlace {
  readonly pointer: string
  readonly textPointer: string
  readonly bound: ReadonlyMap<string, Expression>
}

function subOf(
  text: string,
  { pointer, textPointer, bound }: SubPlace,
  report: TemplateReport
): Expression | undefined {
  const words = text.split(variablePattern)
  const wrong = words.find((word, index) => index % 2 === 0 && word.includes('${'))
  if (wrong !== undefined) {
    const start = wrong.indexOf('${')
    wrongArguments(report, {
      pointer: textPointer,
      expected: 'the name of a parameter or variable between ${ and }, without spaces',
      found: quoted(wrong.slice(start, start + 40))
    })
    return undefined
  }
  const named = new Map(bound)
  const used = new Set<string>()
  const expressionOf = (name: string): Expression => {
    const expression = named.get(name) ?? { kind: 'ref', name, pointer }
    named.set(name, expression)
    used.add(name)
    return expression
  }
  const pieces = words.flatMap((piece, index): Expression[] => {
    if (index % 2 === 1) return [expressionOf(piece.slice(2, -1))]
    return piece === '' ? [] : [{ kind: 'literal', value: piece, pointer }]
  })
  const unused = [...bound].filter(([name]) => !used.has(name)).map(([, expression]) => expression)
  return { kind: 'sub', pieces, unused, pointer }
}

function wrongArguments(report: TemplateReport, text: Omit<FindingText, 'message'>): void {
  report.add('function-arguments-wrong', { ...text, message: `Expected ${text.expected}.` })
}
