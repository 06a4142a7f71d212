import { type FindingId, type FindingText, quoted } from '../findings/finding.ts'
import type { Expression, ListExpression } from '../template/expression.ts'
import type { Mappings } from '../template/template.ts'

/** What expressions are evaluated against. */
export interface EvaluationScope {
  /** By parameter name; null for a value that is not known before signing. */
  readonly values: ReadonlyMap<string, string | null>
  readonly mappings: Mappings | undefined
  readonly report: (id: FindingId, text: FindingText) => void
}

/** The text that an expression makes; null if it is not known before signing, or if it failed and was reported. */
export function evaluateExpression(expression: Expression, scope: EvaluationScope): string | null {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'ref':
      return scope.values.get(expression.name) ?? null
    case 'join':
      return evaluateList(expression.list, scope)?.join(expression.delimiter) ?? null
    case 'sub':
      return evaluateAll(expression.pieces, scope)?.join('') ?? null
    case 'select':
      return select(expression, scope)
    case 'find-in-map':
      return findInMap(expression, scope)
  }
}

/** The same for a list. */
export function evaluateList(list: ListExpression, scope: EvaluationScope): readonly string[] | null {
  if (list.kind === 'list') return evaluateAll(list.items, scope)
  return evaluateExpression(list.source, scope)?.split(list.delimiter) ?? null
}

function evaluateAll(expressions: readonly Expression[], scope: EvaluationScope): readonly string[] | null {
  const texts: string[] = []
  for (const expression of expressions) {
    const text = evaluateExpression(expression, scope)
    if (text === null) return null
    texts.push(text)
  }
  return texts
}

function select(expression: Extract<Expression, { kind: 'select' }>, scope: EvaluationScope): string | null {
  const index = evaluateExpression(expression.index, scope)
  const list = evaluateList(expression.list, scope)
  if (index === null || list === null) return null
  const text = /^[0-9]{1,4}$/.test(index) ? list[Number(index)] : undefined
  if (text !== undefined) return text
  const message = `The list has ${list.length} items and no item ${quoted(index)}.`
  scope.report('select-out-of-range', {
    pointer: expression.pointer,
    message,
    expected: 'an index of the list',
    found: quoted(index)
  })
  return null
}

function findInMap(
  expression: Extract<Expression, { kind: 'find-in-map' }>,
  scope: EvaluationScope
): string | null {
  const top = evaluateExpression(expression.top, scope)
  const second = evaluateExpression(expression.second, scope)
  if (top === null || second === null) return null
  const text = scope.mappings?.get(expression.map)?.get(top)?.get(second)
  if (text !== undefined) return text
  const path = quoted(`${top}.${second}`)
  const message = `The map ${quoted(expression.map)} has no ${path}.`
  scope.report('map-key-missing', {
    pointer: expression.pointer,
    message,
    expected: 'a key of the map',
    found: path
  })
  return null
}
