import { directPartsOf, type Expression, type ListExpression } from './expression.ts'
import type { ProvisioningTemplate } from './template.ts'

/**
 * More than a certificate has to give: a field has 128 characters at most (X.520), of two UTF-16 code units at most,
 * an id 64 and a serial number 49.
 */
const longestFromCertificate = 256

/** How much an expression asks of whoever evaluates it. */
export interface ExpressionSize {
  /** Functions within functions. */
  readonly depth: number
  /** The most UTF-16 code units that its text, or the texts of its list together, can have. */
  readonly length: number
}

/** Sizes of the expressions of one template. Each part is measured once, wherever it stands; no text is made. */
export class ExpressionSizes {
  readonly #longestReference: number
  readonly #longestMapped: ReadonlyMap<string, number>
  readonly #sizes = new Map<Expression | ListExpression, ExpressionSize>()

  constructor({ parameters, mappings }: Pick<ProvisioningTemplate, 'parameters' | 'mappings'>) {
    const defaults = [...parameters.values()].map(({ defaultValue }) => defaultValue?.length ?? 0)
    this.#longestReference = longestOf([longestFromCertificate, ...defaults])
    this.#longestMapped = new Map([...(mappings ?? [])].map(([name, map]) => [name, longestValueOf(map)]))
  }

  /** Recursion ends: no JSON that is read nests deeper than 64 levels. */
  of(expression: Expression | ListExpression): ExpressionSize {
    const known = this.#sizes.get(expression)
    if (known !== undefined) return known
    const depth = longestOf(directPartsOf(expression).map(part => this.of(part).depth))
    const isFunction = !['literal', 'ref', 'list'].includes(expression.kind)
    const size = { depth: depth + (isFunction ? 1 : 0), length: this.#lengthOf(expression) }
    this.#sizes.set(expression, size)
    return size
  }

  #lengthOf(expression: Expression | ListExpression): number {
    switch (expression.kind) {
      case 'literal':
        return expression.value.length
      case 'ref':
        return this.#longestReference
      case 'join':
        return this.of(expression.list).length + this.#itemsOf(expression.list) * expression.delimiter.length
      case 'select':
        return expression.list.kind === 'list'
          ? longestOf(expression.list.items.map(item => this.of(item).length))
          : this.of(expression.list).length
      case 'find-in-map':
        return this.#longestMapped.get(expression.map) ?? 0
      case 'sub':
        return this.#sumOf(expression.pieces)
      case 'list':
        return this.#sumOf(expression.items)
      case 'split':
        return this.of(expression.source).length
    }
  }

  #sumOf(expressions: readonly Expression[]): number {
    return expressions.reduce((sum, expression) => sum + this.of(expression).length, 0)
  }

  #itemsOf(list: ListExpression): number {
    return list.kind === 'list' ? list.items.length : this.of(list.source).length / list.delimiter.length + 1
  }
}

function longestValueOf(map: ReadonlyMap<string, ReadonlyMap<string, string>>): number {
  return longestOf([...map.values()].flatMap(texts => [...texts.values()].map(({ length }) => length)))
}

function longestOf(lengths: readonly number[]): number {
  let longest = 0
  for (const length of lengths) longest = Math.max(longest, length)
  return longest
}
