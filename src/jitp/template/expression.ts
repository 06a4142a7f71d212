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
  | {
      readonly kind: 'sub'
      readonly pieces: readonly Expression[]
      /** What is bound to names that the text does not have: it is evaluated, and its value goes nowhere. */
      readonly unused: readonly Expression[]
      readonly pointer: string
    }

export type ListExpression =
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly pointer: string }
  | {
      readonly kind: 'split'
      readonly delimiter: string
      readonly source: Expression
      readonly pointer: string
    }

/** An index of Fn::Select: AWS documents no other way to write one, and no body has room for a longer list. */
export const indexPattern = /^(?:0|[1-9][0-9]{0,3})$/

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

/** The parts that an expression is put together from, as often as they stand in it, and those that go nowhere. */
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
      return [...expression.pieces, ...expression.unused]
    case 'list':
      return expression.items
    case 'split':
      return [expression.source]
  }
}
