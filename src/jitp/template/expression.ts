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

/** What an expression is made from, itself first. */
export function* partsOf(expression: Expression | ListExpression): Generator<Expression | ListExpression> {
  yield expression
  for (const part of directPartsOf(expression)) yield* partsOf(part)
}

/** The parameters that an expression refers to, each once. */
export function parametersOf(expression: Expression | ListExpression): readonly string[] {
  const names = new Set<string>()
  for (const part of partsOf(expression)) if (part.kind === 'ref') names.add(part.name)
  return [...names]
}

function directPartsOf(expression: Expression | ListExpression): readonly (Expression | ListExpression)[] {
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
