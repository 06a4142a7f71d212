import { type FindingId, type FindingText, quoted } from '../findings/finding.ts'
import { type Expression, indexPattern, type ListExpression } from '../template/expression.ts'
import { limits } from '../template/limits.ts'
import type { Mappings } from '../template/template.ts'

/** What expressions are evaluated against. */
export interface EvaluationScope {
  /** By parameter name; null for a value that is missing and reported. */
  readonly values: ReadonlyMap<string, string | null>
  readonly mappings: Mappings | undefined
  readonly report: (id: FindingId, text: FindingText) => void
}

type Part<Kind> = Extract<Expression | ListExpression, { kind: Kind }>

/**
 * Evaluates the expressions of one template for one certificate. Each part is evaluated once, wherever it stands. The
 * length of a text is known before it is made: none is longer than the limits allow, and neither are all together.
 */
export class ExpressionEvaluator {
  readonly #scope: EvaluationScope
  /** Of the parts that may stand in several places: only Fn::Sub binds a value to a name. */
  readonly #bound = new Map<Expression, string | null>()
  #totalLength = 0

  constructor(scope: EvaluationScope) {
    this.#scope = scope
  }

  /** The text that an expression makes; null if it failed and was reported. */
  text(expression: Expression): string | null {
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'ref':
        return this.#scope.values.get(expression.name) ?? null
      case 'join':
        return this.#concatenate(this.list(expression.list), expression.delimiter, expression)
      case 'sub':
        if (this.#pieces(expression.unused) === null) return null
        return this.#concatenate(this.#pieces(expression.pieces), '', expression)
      case 'select':
        return this.#select(expression)
      case 'find-in-map':
        return this.#findInMap(expression)
    }
  }

  /** The same for a list. */
  list(list: ListExpression): readonly string[] | null {
    return list.kind === 'list' ? this.#all(list.items, item => this.text(item)) : this.#split(list)
  }

  #pieces(pieces: readonly Expression[]): readonly string[] | null {
    return this.#all(pieces, piece => {
      if (piece.kind === 'literal' || piece.kind === 'ref') return this.text(piece)
      const known = this.#bound.get(piece)
      if (known !== undefined) return known
      const text = this.text(piece)
      this.#bound.set(piece, text)
      return text
    })
  }

  #all(
    expressions: readonly Expression[],
    textOf: (expression: Expression) => string | null
  ): readonly string[] | null {
    const texts: string[] = []
    for (const expression of expressions) {
      const text = textOf(expression)
      if (text === null) return null
      texts.push(text)
    }
    return texts
  }

  #split({ source, delimiter, pointer }: Part<'split'>): readonly string[] | null {
    const text = this.text(source)
    return text !== null && this.#spend(text.length, pointer) ? text.split(delimiter) : null
  }

  #concatenate(
    texts: readonly string[] | null,
    delimiter: string,
    { pointer }: Part<'join' | 'sub'>
  ): string | null {
    if (texts === null) return null
    let length = delimiter.length * Math.max(texts.length - 1, 0)
    for (const text of texts) length += text.length
    return this.#spend(length, pointer) ? texts.join(delimiter) : null
  }

  /** Whether a text of this length may be made; it is reported if it may not. */
  #spend(length: number, pointer: string): boolean {
    this.#totalLength += length
    const [found, limit] =
      length > limits.textLength ? [length, limits.textLength] : [this.#totalLength, limits.totalLength]
    if (found <= limit) return true
    this.#scope.report('expressions-too-large', {
      pointer,
      message: `The texts made for this certificate have ${found} characters here.`,
      expected: `at most ${limit}`,
      found: String(found)
    })
    return false
  }

  #select({ index: indexExpression, list: listExpression, pointer }: Part<'select'>): string | null {
    const index = this.text(indexExpression)
    const list = this.list(listExpression)
    if (index === null || list === null) return null
    const text = indexPattern.test(index) ? list[Number(index)] : undefined
    if (text !== undefined) return text
    const message = `The list has ${list.length} items and no item ${quoted(index)}.`
    this.#scope.report('select-out-of-range', {
      pointer,
      message,
      expected: 'an index of the list',
      found: quoted(index)
    })
    return null
  }

  #findInMap({ map, top: topExpression, second: secondExpression, pointer }: Part<'find-in-map'>) {
    const top = this.text(topExpression)
    const second = this.text(secondExpression)
    if (top === null || second === null) return null
    const text = this.#scope.mappings?.get(map)?.get(top)?.get(second)
    if (text !== undefined) return text
    const path = quoted(`${top}.${second}`)
    const message = `The map ${quoted(map)} has no ${path}.`
    this.#scope.report('map-key-missing', {
      pointer,
      message,
      expected: 'a key of the map',
      found: path
    })
    return null
  }
}
