/** A text in a template: written out, or made when a device is provisioned. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string; readonly pointer: string }
  | { readonly kind: 'ref'; readonly name: string; readonly pointer: string }
  | {
      readonly kind: 'join'
      readonly delimiter: string
      readonly list: ListExpression
      readonly pointer: string
    }
  | {
      readonly kind: 'select'
      readonly index: Expression
      readonly list: ListExpression
      readonly pointer: string
    }
  | {
      readonly kind: 'find-in-map'
      readonly map: string
      readonly top: Expression
      readonly second: Expression
      readonly pointer: string
    }
  | { readonly kind: 'sub'; readonly pieces: readonly Expression[]; readonly pointer: string }

export type ListExpression =
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly pointer: string }
  | {
      readonly kind: 'split'
      readonly delimiter: string
      readonly source: Expression
      readonly pointer: string
    }

/**
 * What an expression is made from, itself first, each part once: a value that Fn::Sub binds to a name is one part,
 * however often the name stands in the text. Time is linear in the template's text.
 */
export function partsOf(expression: Expression | ListExpression): readonly (Expression | ListExpression)[] {
  const parts = new Set<Expression | ListExpression>()
  const waiting = [expression]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (parts.has(part)) continue
    parts.add(part)
    for (const inner of directPartsOf(part).toReversed()) waiting.push(inner)
  }
  return [...parts]
}

/** The parameters that an expression refers to, each once. */
export function parametersOf(expression: Expression | ListExpression): readonly string[] {
  const names = new Set<string>()
  for (const part of partsOf(expression)) if (part.kind === 'ref') names.add(part.name)
  return [...names]
}

/**
 * The parameters whose values can be seen in what an expression makes, each once: of a list from which one item is taken
 * by a number that is written out, those of that item alone.
 */
export function visibleParametersOf(expression: Expression | ListExpression): readonly string[] {
  const names = new Set<string>()
  const seen = new Set<Expression | ListExpression>()
  const waiting = [expression]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (seen.has(part)) continue
    seen.add(part)
    if (part.kind === 'ref') names.add(part.name)
    waiting.push(...visiblePartsOf(part))
  }
  return [...names]
}

function visiblePartsOf(part: Expression | ListExpression): readonly (Expression | ListExpression)[] {
  if (part.kind !== 'select' || part.index.kind !== 'literal' || part.list.kind !== 'list')
    return directPartsOf(part)
  const item = part.list.items[Number(part.index.value)]
  return item === undefined ? [] : [item]
}

/** The parts that an expression is put together from, as often as they stand in it. */
export function directPartsOf(
  expression: Expression | ListExpression
): readonly (Expression | ListExpression)[] {
  switch (expression.kind) {
    case 'literal':
    case 'ref':
      return []
    case 'join':
      return [expression.list]
    case 'select':
      return [expression.index, expression.list]
    case 'find-in-map':
      return [expression.top, expression.second]
    case 'sub':
      return expression.pieces
    case 'list':
      return expression.items
    case 'split':
      return [expression.source]
  }
}
